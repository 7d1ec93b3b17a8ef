import { parseSetCookieHeader } from 'better-auth/cookies';
import { cookies } from 'next/headers';
import { ABSOLUTE_S, toCookieName } from './create-auth';

/**
 * Hands the cookies of an answer of the sign-in library to the browser. The session's own lives as long as a session
 * ever may; how long it is good is decided by its row.
 */
export async function setAuthCookies(answer: Headers, publicUrl: string): Promise<void> {
  const jar = await cookies();
  const sessionCookie = toCookieName(publicUrl);
  for (const line of answer.getSetCookie()) {
    for (const [name, cookie] of parseSetCookieHeader(line)) {
      const maxAge = cookie['max-age'];
      jar.set(name, cookie.value, {
        httpOnly: true,
        secure: publicUrl.startsWith('https:'),
        sameSite: 'lax',
        path: '/',
        ...(maxAge !== undefined && { maxAge: name === sessionCookie && maxAge > 0 ? ABSOLUTE_S : maxAge }),
      });
    }
  }
}

/** Takes the session cookie away. */
export async function clearSessionCookie(publicUrl: string): Promise<void> {
  (await cookies()).set(toCookieName(publicUrl), '', {
    httpOnly: true,
    secure: publicUrl.startsWith('https:'),
    sameSite: 'lax',
    path: '/',
    maxAge: 0,
  });
}
