/** A value of type T that only the parser or factory named by B may make, so that ids cannot be mixed up. */
export type Brand<T, B extends string> = T & { readonly __brand: B };
