/* tidy.h - memory goes back to the system when work pauses
 *
 * malloc keeps what was freed for the next time, in a heap that many sizes
 * have left holes in. Whoever works on needs it; an idle process does not.
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_TIDY_H
#define QUAIL_LIB_TIDY_H

#include <stdbool.h>
#include <stdint.h>

struct tidy {
	uint64_t seen, tidied; /* how much had been done then */
};

/* tidy_now - give back what malloc holds and nobody uses */
void
tidy_now(void);

/* tidy_look - to be called every second or so
 *
 * Takes    done: any count that goes on while there is work.
 * Returns  true when it has tidied: nothing was done since the last look, but
 *          something since it tidied last.
 */
bool
tidy_look(struct tidy *t, uint64_t done);

#endif
