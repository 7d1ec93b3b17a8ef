/** Numbers of PostgreSQL's advisory locks, all in one place so that no two uses share one. */
export const LOCKS = {
  /** Starts that bring the schema up to date take turns. */
  migration: 7_321_004,
  /** The audit chain has one head. */
  audit: 7_321_005,
  /** The first person is created once. */
  firstUser: 7_321_006,
  /** Any worker may do the chores, one at a time. */
  chores: 7_321_007,
  /** Waiting runs are counted, then one is filed. */
  queue: 7_321_008,
  /** With a site's hash as second number: preflights of one site take turns, or they would meet each other's listeners. */
  preflight: 7_321_009,
  /** One command at a time changes the seal keys and what is sealed to them. */
  sealKeys: 7_321_010,
} as const;
