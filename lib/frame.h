/* frame.h - the frames of the door and the agent contract
 *
 * A frame is a netstring whose payload is a letter, 16 hex digits and the
 * rest; the digits are the message's id at the door, the job's number at
 * an agent, so that one connection carries many at a time:
 *
 *   25:T69300001000000a1hello wo,     17:C69300001000000a1,
 *
 *   letter  direction      rest
 *   L       queue to door  N: this connection may use the ids from the
 *                          frame's on, N of them (decimal)
 *   H       agent to queue "NAME CAPACITY": which next hops it serves, how
 *                          many jobs at a time; digits 0
 *   O       sender         opens a message (a job)
 *   P       sender         attribute "key=value"
 *   S       sender         return path
 *   R       sender         one recipient
 *   T       sender         a piece of text
 *   C       sender         all of it has been said
 *   A       sender         abandons it
 *   V       answer         verdict: K, Z or D and text
 *   W       agent to queue credit: so many more bytes of text (decimal)
 *
 * "Sender" is the front end at the door and the queue at an agent. The
 * pages doc/quail-door.7 and doc/quail-agent.7 say who must send what when.
 *
 * Test  tests/frame_test.c
 */
#ifndef QUAIL_LIB_FRAME_H
#define QUAIL_LIB_FRAME_H

#include "lib/buf.h"

enum {
	FRAME_HEAD = 17,       /* letter and id */
	FRAME_EXTRA = 40,      /* a frame is at most its rest and this */
	FRAME_REST_MAX = 65536 /* longest rest */
};

struct frame {
	char type;
	uint64_t id;
	struct slice rest;
};

enum frame_result { FRAME_MORE, FRAME_DONE, FRAME_BAD };

/* frame_next - look at the first frame of *in
 *
 * Returns  FRAME_DONE: *f is it, its rest borrowed, and *in begins behind
 *          it; FRAME_MORE: the bytes are not all there; FRAME_BAD: this can
 *          never become a frame; *in is untouched in both.
 */
enum frame_result
frame_next(struct slice *in, struct frame *f);

/* frame_put - append a frame; rest of at most FRAME_REST_MAX bytes */
void
frame_put(struct buf *out, char type, uint64_t id, struct slice rest);

/* frame_put_two - the same with the rest in two parts */
void
frame_put_two(struct buf *out, char type, uint64_t id, struct slice a,
	      struct slice b);

#endif
