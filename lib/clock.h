/* clock.h - the two clocks
 *
 * Monotonic milliseconds for time-outs, wall seconds for what is written
 * down. Tests may put their own behind both.
 */
#ifndef QUAIL_LIB_CLOCK_H
#define QUAIL_LIB_CLOCK_H

#include <stdint.h>

int64_t
clock_ms(void);

/* clock_us - microseconds since 1970 */
int64_t
clock_us(void);

/* clock_s - seconds since 1970 */
int64_t
clock_s(void);

/* clock_set_for_tests - from now on both stand at us; 0: they go again */
void
clock_set_for_tests(int64_t us);

#endif
