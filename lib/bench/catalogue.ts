import type { Bench } from './bench';
import { exec } from './exec';
import { flood } from './flood';
import { provision } from './provision';
import { takeover } from './takeover';
import { upload } from './upload';

/** Every benchmark that `npm run bench -- NAME` knows. */
export const BENCHES: readonly Bench[] = [exec, provision, upload, flood, takeover];
