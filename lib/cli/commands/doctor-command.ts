import { join } from 'node:path';
import { env } from '@/lib/env/env';
import { toDatabaseError } from '@/lib/services/to-database-error';
import { CliError, type Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { checkDatabase } from '../doctor/check-database';
import { checkKeys } from '../doctor/check-keys';
import { checkDataDir, checkNode } from '../doctor/check-machine';
import { fail, type DoctorLine } from '../doctor/line';
import { withDatabase } from '../local-database';

async function lookAtDatabase(keys: Awaited<ReturnType<typeof checkKeys>>['keys']): Promise<DoctorLine[]> {
  const migrationsDir = join(process.cwd(), 'prisma/migrations');
  try {
    return await withDatabase('siteplan_web', (db, isRunning) =>
      checkDatabase(db, { isRunning, migrationsDir, keys }),
    );
  } catch (error) {
    const known = error instanceof CliError ? error : toDatabaseError(error);
    const words = known?.message ?? (error instanceof Error ? error.message : 'it cannot be used');
    return [fail('database', words, 'See that PostgreSQL runs and that this user may reach it.')];
  }
}

async function doctor({ out }: CommandInput): Promise<Exit> {
  const { dataDir, keysDir } = env();
  const { lines: keyLines, keys } = await checkKeys(keysDir);
  const lines = [
    checkNode(process.versions.node),
    ...(await checkDataDir(dataDir)),
    ...keyLines,
    ...(await lookAtDatabase(keys)),
  ];
  const text = lines.map(
    ({ what, state, words, fix }) => `${state.padEnd(5)} ${what}: ${words}${fix ? `\n      ${fix}` : ''}`,
  );
  out.result(lines, text.join('\n'));
  return lines.some(({ state }) => state === 'fail') ? 'wanting' : 'done';
}

export const DOCTOR_COMMAND: Command = {
  name: 'doctor',
  summary: 'Looks at data directory, keys, database, schema, clock and workers, and says what to do.',
  details:
    'Ends with 5 when a line says fail. Changes nothing; an embedded database that is stopped runs meanwhile.',
  run: doctor,
};
