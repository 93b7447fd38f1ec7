/* clock.h - the clocks
 *
 *   clock_s, clock_us    the wall's: for what is written down and shown. It
 *                        may be set to any time at any moment, years forth or
 *                        back: nothing is awaited by it, and no mail's age
 *                        is measured by it alone (lib/elapsed.h)
 *   clock_ms, clock_steady_us
 *                        go on evenly while the machine runs: for time-outs
 *   clock_boot_s         the same, also while the machine sleeps
 *
 * Tests may put their own behind all of them.
 */
#ifndef QUAIL_LIB_CLOCK_H
#define QUAIL_LIB_CLOCK_H

#include <stdint.h>

int64_t
clock_ms(void);

int64_t
clock_steady_us(void);

/* clock_boot_s - seconds since the machine was started */
int64_t
clock_boot_s(void);

/* clock_us - microseconds since 1970 */
int64_t
clock_us(void);

/* clock_s - seconds since 1970 */
int64_t
clock_s(void);

/* clock_set_for_tests - from now on all stand at us; 0: they go again */
void
clock_set_for_tests(int64_t us);

/* clock_jump_for_tests - the wall's clock is set forward by us, or back */
void
clock_jump_for_tests(int64_t us);

#endif
