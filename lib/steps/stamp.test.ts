import { expect, it } from 'vitest';
import { UnitName } from './service-run';
import { StampName } from './stamp';

it.each(['NetworkManager.service', 'rke2-server.service', 'nginx.service', 'sysctl', 'rke2-ready'])(
  'takes %s as a stamp: units keep theirs under their own name',
  (name) => {
    expect(StampName.parse(name)).toBe(name);
    if (name.endsWith('.service')) expect(UnitName.parse(name)).toBe(name);
  },
);

it.each(['', '../x', 'a/b', '-x', '.x', 'a b', 'a\nb'])(
  'takes %j neither as a stamp nor as a unit',
  (name) => {
    expect(StampName.safeParse(name).success).toBe(false);
    expect(UnitName.safeParse(`${name}.service`).success).toBe(false);
  },
);
