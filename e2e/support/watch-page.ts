import type { Page } from '@playwright/test';

export interface PageWatch {
  /** Console errors, exceptions, failed requests and policy violations since the page was opened. */
  readonly problems: string[];
  /** Text of every response that is neither a script, a style nor a font. */
  readonly responses: string[];
}

/** Answers that a test provokes on purpose. */
const EXPECTED = [/\/login/];

/** Collects whatever a page complains about, and what the server tells it. */
export function watchPage(page: Page): PageWatch {
  const problems: string[] = [];
  const responses: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) {
      problems.push(`console: ${message.text().slice(0, 300)}`);
    }
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message.slice(0, 300)}`));
  page.on('response', (response) => {
    if (response.status() >= 400 && !EXPECTED.some((pattern) => pattern.test(response.url()))) {
      problems.push(`${response.status()} ${response.url()}`);
    }
    const type = response.headers()['content-type'] ?? '';
    if (/json|html|x-component/.test(type) && !/event-stream/.test(type)) {
      response.text().then(
        (text) => responses.push(text),
        () => undefined, // a redirect or a page that was left has no text
      );
    }
  });
  return { problems, responses };
}
