import tseslint from 'typescript-eslint';
import hooks from 'eslint-plugin-react-hooks';

const noBareTimers = [
  { name: 'setTimeout', message: 'Wait for a condition: lib/testing/wait-for.' },
  { name: 'setInterval', message: 'Wait for a condition: lib/testing/wait-for.' },
];
const envOnlyInLibEnv = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'process.env is read only in lib/env.',
};
/**
 * Scripts for hosts are constant (S14): text made of anything but other constants (CONSTANT_CASE) is refused wherever a
 * script is named, returned or handed over. Values go through `variables`, that is through `quoteShell`, or on standard input.
 */
const SCRIPT_NAME = '/(script|program|command)$/i';
const SCRIPT_KEY = '/^(script|program|command|probe|act|verify)$/';
const CONSTANT = '/^[A-Z][A-Z0-9_]*$/';
const NOT_CONSTANT =
  `:not(TemplateElement):not(Identifier[name=${CONSTANT}])` +
  `:not(CallExpression[callee.object.name=${CONSTANT}][callee.property.name='join'])`;
const scriptPlaces = [
  `VariableDeclarator[id.name=${SCRIPT_NAME}] > `,
  `AssignmentExpression[left.name=${SCRIPT_NAME}] > `,
  `Property[key.name=${SCRIPT_KEY}] > `,
  `PropertyDefinition[key.name=${SCRIPT_KEY}] > `,
  `FunctionDeclaration[id.name=/(script|program|command|frame|probe|verify)$/i] ReturnStatement > `,
  `CallExpression[callee.name=/^(openProgram|toScript|toProbe|toVerify)$/] > `,
  `CallExpression[callee.property.name=/^(exec|runScript)$/] > `,
];
const constantScripts = scriptPlaces
  .flatMap((place) => [
    `${place}TemplateLiteral > ${NOT_CONSTANT}`,
    `${place}BinaryExpression[operator='+']`,
    `${place}CallExpression[callee.property.name=/^(join|concat|replace|replaceAll|padEnd)$/]`,
  ])
  .map((selector) => ({
    selector,
    message: 'Scripts for hosts are constant: hand values over as variables or standard input (S14).',
  }));
/** Where scripts and values meet, and why that is safe; lib/ssh/constant-scripts.test.ts counts what they hold. */
const scriptMakers = [
  'lib/ssh/to-program.ts', // values before a script, each through quoteShell
  'lib/ssh/framed-shell.ts', // frames: marks of random hex digits around a quoted script
  'lib/ssh/open-program.ts', // the one command line: marks of random hex digits
  'lib/steps/script.ts', // puts constant bodies together
];
const sshOnlyInTransport = {
  name: 'ssh2',
  message: 'SSH clients are made only by lib/ssh, which pins the host key and the algorithms.',
};

export default tseslint.config(
  {
    ignores: [
      '.next/**',
      '.build/**',
      '.siteplan/**',
      'node_modules/**',
      'lib/db/generated/**',
      'next-env.d.ts',
    ],
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommended],
    plugins: { 'react-hooks': hooks },
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 80 }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-syntax': ['error', envOnlyInLibEnv],
      '@typescript-eslint/no-restricted-imports': ['error', { paths: [sshOnlyInTransport] }],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.tsx'],
    rules: { 'max-lines-per-function': ['error', { max: 120 }], ...hooks.configs.recommended.rules },
  },
  {
    files: ['**/*.test.ts', '**/*.test.tsx', 'e2e/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // Tests and benchmarks make scripts of their own; nothing of them reaches a user's host.
    files: ['lib/**/*.ts'],
    ignores: ['**/*.test.ts', 'lib/testing/**', 'lib/bench/**', 'lib/env/**', ...scriptMakers],
    rules: { 'no-restricted-syntax': ['error', envOnlyInLibEnv, ...constantScripts] },
  },
  {
    files: ['**/*.test.ts', '**/*.test.tsx', '**/*.e2e.ts'],
    rules: { 'no-restricted-globals': ['error', ...noBareTimers] },
  },
  { files: ['lib/testing/wait-for.ts'], rules: { 'no-restricted-globals': 'off' } },
  { files: ['lib/env/**'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['lib/ssh/**', 'lib/testing/fake-host/**', 'lib/testing/fake-host*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
  {
    files: [
      'lib/cli/**',
      'lib/supervisor/**',
      'e2e/lab/**',
      'lib/bench/**',
      'lib/testing/**',
      'e2e/support/**',
    ],
    rules: { 'no-console': 'off' },
  },
);
