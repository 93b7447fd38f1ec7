/* conn.h - one connection in a loop: a stream, its buffers, its time-out
 *
 * What every session and client of ours sits on. Input is read as it comes
 * and told as CONN_INPUT; the session takes what it can use from c->in
 * (buf_take). Output is put with conn_put and written once at the end of
 * the round. An idle connection holds no buffers.
 *
 *   event           what it says                       and then
 *   CONN_OPEN       a connect has succeeded, or, told  output goes out
 *                   if asked for, a server's handshake
 *   CONN_INPUT      there are new bytes in c->in       reading goes on
 *   CONN_EOF        the peer has ended its side        output still goes out
 *   CONN_DRAINED    all output has been written        told only if asked for,
 *                                                      once a round
 *   CONN_TIMEOUT    c->timer has run out               nothing; close it
 *   CONN_BROKEN     error: see c->error (errno; at     no more events; close it
 *                   EPROTO stream_why too); 0: it      within this event
 *                   was conn_finish
 *
 * A connection with a budget (budget.h) is charged for the memory of its two
 * buffers, and reads no more than the budget allows.
 *
 * No peer holds the others up. What is read at once, 32 KiB at first and 256 at
 * the most, is halved, down to 4, whenever one CONN_INPUT takes longer than a
 * millisecond (less where many are ready in the same round), and doubled when
 * it is quick. So a round costs
 * the same whatever the bytes ask for. A session that knows what is dear in
 * them stops itself after so much of it, and yields. Steps of a TLS handshake
 * wait for a turn, of which a round of the loop has two.
 *
 * Inside any event the session may call conn_close and free the struct: the
 * connection touches nothing of it afterwards.
 *
 * Test  tests/conn_test.c
 */
#ifndef QUAIL_LIB_CONN_H
#define QUAIL_LIB_CONN_H

#include "lib/budget.h"
#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/stream.h"

enum conn_event {
	CONN_OPEN,
	CONN_INPUT,
	CONN_EOF,
	CONN_DRAINED,
	CONN_TIMEOUT,
	CONN_BROKEN
};

struct conn {
	struct loop *loop;
	struct stream stream;
	struct buf in, out;
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task flush;
	struct loop_task more; /* in the next round: what is left of this */
	struct loop_turn turn; /* for a step of its handshake */
	size_t read_max;       /* how much to read at once */
	struct budget *budget; /* set right behind conn_open_take; NULL: none */
	size_t held;	       /* what it is charged for */
	bool is_open;	       /* conn_close has not been called */
	bool connecting;
	bool shaking;	     /* connected, but the stream is not open yet */
	bool paused;	     /* the session does not want input */
	bool eof;	     /* the peer has ended its side */
	bool again;	     /* tell c->in once more */
	bool yields;	     /* ... in the next round */
	bool tell_drained;   /* set by the session; told once, then cleared */
	uint64_t drained_in; /* the round in which it was told last */
	bool tell_open;	     /* the same; before the first CONN_INPUT */
	bool close_drained;  /* conn_finish was called */
	bool lingers;	     /* ... and has done its work */
	bool heard_all;	     /* set by the session, cleared by input; below */
	int error;
	void (*on)(struct conn *c, enum conn_event event);
};

/* conn_open_take - over a connected descriptor (non-blocking)
 *
 * Needs    a zeroed or closed struct that stays where it is until conn_close.
 * Owns     the descriptor.
 */
void
conn_open_take(struct conn *c, struct loop *loop, int fd,
	       void (*on)(struct conn *, enum conn_event));

/* conn_connect_take - over a descriptor that is still connecting; CONN_OPEN
 * or CONN_BROKEN comes first
 *
 * Right behind either call c->stream may be made a TLS stream (tls.h).
 * CONN_OPEN then comes behind the handshake.
 */
void
conn_connect_take(struct conn *c, struct loop *loop, int fd,
		  void (*on)(struct conn *, enum conn_event));

/* conn_flush_later - what was appended to c->out goes out this round
 *
 * conn_put and its like do it by themselves; needed only after writing into
 * c->out directly.
 */
void
conn_flush_later(struct conn *c);

void
conn_put(struct conn *c, struct slice s);

/* conn_take - drop n bytes from the front of c->in: they are dealt with
 *
 * As buf_take, and tells the budget.
 */
void
conn_take(struct conn *c, size_t n);

/* conn_pause, conn_resume - stop and go on reading (back-pressure)
 *
 * conn_resume calls nothing at once; at the end of the round CONN_INPUT
 * comes again if there is something in c->in already, so that no byte
 * waits for another byte. A paused connection hears nothing of its peer,
 * not even that it is gone.
 */
void
conn_pause(struct conn *c);

void
conn_resume(struct conn *c);

/* conn_yield - enough for this round: what is left in c->in is told in the
 * next one, when others have had their turn, and before any more is read
 *
 * To be called within CONN_INPUT.
 */
void
conn_yield(struct conn *c);

/* conn_timeout - let CONN_TIMEOUT come in ms milliseconds; 0: never */
void
conn_timeout(struct conn *c, int64_t ms);

/* conn_finish - write out what waits, then close and tell CONN_BROKEN with
 * error 0; input is read and dropped
 *
 * The socket itself lingers (linger.h), so that what was written last
 * reaches a peer that still sends. A session that knows that its peer has
 * nothing more to say sets heard_all: then the socket is closed at once,
 * unless more has come meanwhile. TLS lingers always: its peer says its end.
 */
void
conn_finish(struct conn *c);

/* conn_break - CONN_BROKEN comes at once, as if the peer had broken it
 *
 * Keeps    nothing: the session may have freed the struct.
 */
void
conn_break(struct conn *c);

/* conn_close - close now and forget all; legal in every state, twice too */
void
conn_close(struct conn *c);

#endif
