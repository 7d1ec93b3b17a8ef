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
