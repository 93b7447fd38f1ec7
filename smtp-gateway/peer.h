/* peer.h - one connection to a mail host
 *
 *   state        and then
 *   CONNECTING   the next address when one does not answer or will not talk
 *   BUSY         with a transfer
 *   IDLE         kept for PEER_IDLE_MS, then QUIT
 *   QUITTING     the QUIT goes out
 *
 * The time-outs are those of RFC 5321 section 4.5.3.2, but for the greeting
 * and the reply to EHLO: who says nothing to that within the patience of
 * dest.h is passed over, as long as others wait for him. Each is for a whole
 * reply, or for a block of the text, and a mail has an end, too
 * (deadline.h): so has the search for a host that will talk.
 *
 * What was said of a mail's recipients is believed when all replies were
 * those that had been asked for (smtpc.h): else the whole mail is deferred.
 *
 * Test  tests/smtp_out.t, tests/smtp_hostile.t
 */
#ifndef QUAIL_SMTP_PEER_H
#define QUAIL_SMTP_PEER_H

#include "lib/deadline.h"
#include "smtp-gateway/canon.h"
#include "smtp-gateway/lookup.h"
#include "smtp-gateway/out.h"
#include "smtp-gateway/smtpc.h"

enum {
	PEER_IDLE_MS = 5000,
	PEER_MAILS_MAX = 1000, /* on one connection */
	PEER_MAILS_TURN = 20,  /* ... when others wait for a place */
	PEER_CONNECT_MS = 10 * 1000,
	PEER_OPEN_MS = 600 * 1000, /* all targets together */
	PEER_COMMAND_MS = 300 * 1000,
	PEER_DATA_MS = 120 * 1000,
	PEER_BLOCK_MS = 180 * 1000,
	PEER_FINAL_MS = 600 * 1000,
	PEER_QUIT_MS = 5000,
	PEER_OUT_MAX = 128 * 1024 /* bytes that wait to be written */
};

enum peer_state { PEER_CONNECTING, PEER_BUSY, PEER_IDLE, PEER_QUITTING };

struct peer {
	struct dest *dest;
	struct link of_dest, of_out; /* when idle */
	struct conn conn;
	struct crowd *crowd; /* at the address of the connection */
	struct buf host;     /* "name[address]" */
	struct buf helo;     /* a copy: the tables may change */
	struct smtpc smtpc;
	struct canon canon;
	enum peer_state state;
	struct targets *targets;
	uint32_t asked;	  /* bits: targets that have been, or must not be */
	size_t at;	  /* which target */
	bool is_second;	  /* for what another host has deferred */
	bool is_bounce;	  /* it counts among those for bounces */
	int64_t since_ms; /* it waits for the greeting */
	struct deadline deadline;
	unsigned n_heard; /* smtpc's, when that was set */
	struct transfer *transfer;
	struct smtpc_mail mail;
	uint64_t sent;	  /* bytes of the text */
	uint64_t put;	  /* ... as they go out, and its end */
	bool in_step;	  /* the replies to this mail's commands fit */
	unsigned n_mails; /* that came to an end */
	unsigned n_taken; /* ... a good one */
	/* the last target's trouble; busy: the last reply that was no 2xx */
	struct verdict why;
};

/* peer_start - connect to the first of the targets that will talk
 *
 * Takes    targets: copied. t: for whom; targets that have deferred it are
 *          left out. is_bounce: share.h.
 * Owns     itself; tells dest_peer_gone at its end.
 */
void
peer_start(struct dest *d, const struct targets *targets,
	   const struct transfer *t, bool is_bounce);

/* peer_take - carry a transfer; legal when idle */
void
peer_take(struct peer *p, struct transfer *t);

/* peer_text - more of its transfer's text has come */
void
peer_text(struct peer *p);

/* peer_dismiss - say QUIT; legal when idle */
void
peer_dismiss(struct peer *p);

/* peer_may_have - may the host have its mail? The end of the text has gone
 * out, and all has arrived there, as far as the kernel knows. */
bool
peer_may_have(const struct peer *p);

/* peer_log_duplicate - its mail is given up: log it if the host may have it */
void
peer_log_duplicate(const struct peer *p);

/* peer_take_back - its mail is given up: if the end of the text has gone out
 * and not arrived, the kernel shall not send it on when the socket is closed
 */
void
peer_take_back(const struct peer *p);

/* peer_abandon - its transfer is void: close without a word */
void
peer_abandon(struct peer *p);

#endif
