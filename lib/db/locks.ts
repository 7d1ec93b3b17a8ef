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
} as const;
