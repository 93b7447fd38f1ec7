/* say.h - the quail command's output: what is not printable could be meant for
 * the terminal
 *
 * Test  tests/run.t, tests/routing.t
 */
#ifndef QUAIL_QUEUE_SAY_H
#define QUAIL_QUEUE_SAY_H

#include "lib/slice.h"

/* say_slice - to stdout, with '?' for what is not printable ASCII */
void
say_slice(struct slice s);

/* say_json - the same as a JSON string in quotes, bytes over 126 escaped */
void
say_json(struct slice s);

#endif
