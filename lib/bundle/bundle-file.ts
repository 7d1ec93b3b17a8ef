/** One file of a bundle: where it stands below the bundle's own folder, its text, and whether it is a program. */
export interface BundleFile {
  readonly path: string;
  readonly content: string;
  readonly isExecutable: boolean;
}

export function toTextFile(path: string, content: string): BundleFile {
  return { path, content, isExecutable: false };
}

export function toProgram(path: string, content: string): BundleFile {
  return { path, content, isExecutable: true };
}
