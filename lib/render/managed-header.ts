/** First line of every file whose format has `#` comments. */
export const MANAGED_HEADER = '# Managed by Siteplan. The next apply overwrites changes made here.\n';
