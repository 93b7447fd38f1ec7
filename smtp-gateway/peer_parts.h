/* peer_parts.h - what peer.c (the connection), peer_open.c (how it is made),
 * peer_mail.c (the transfer that it carries) and peer_end.c (trouble) say to
 * each other; nobody else's
 */
#ifndef QUAIL_SMTP_PEER_PARTS_H
#define QUAIL_SMTP_PEER_PARTS_H

#include "smtp-gateway/dest.h"
#include "smtp-gateway/judge.h"
#include "smtp-gateway/peer.h"

static inline struct slice
peer_host(const struct peer *p)
{
	return buf_slice(&p->host);
}

static inline const struct endpoint *
peer_address(const struct peer *p)
{
	return &p->targets->at[p->at].to;
}

static inline int64_t
peer_now_ms(const struct peer *p)
{
	return p->dest->out->loop->now_ms;
}

/* peer_on - the events of its connection */
void
peer_on(struct conn *c, enum conn_event e);

/* peer_judge - the last reply, see judge.h */
void
peer_judge(const struct peer *p, enum judge_at at, struct verdict *v);

/* peer_say - "HOST: what while waiting for the greeting (#x.y.z)", a Z */
void
peer_say(const struct peer *p, struct verdict *v, const char *what,
	 const char *status, enum verdict_about about);

/* peer_set_timeout - from now on the client waits for what it waits for */
void
peer_set_timeout(struct peer *p);

/* peer_leave_crowd - its address has one connection less */
void
peer_leave_crowd(struct peer *p);

/* peer_idle - ready for the next transfer */
void
peer_idle(struct peer *p);

/* peer_gone - close, and free the peer
 *
 * Takes    why: as dest_peer_gone; may be a part of the peer.
 */
void
peer_gone(struct peer *p, enum dest_end end, const struct verdict *why);

/* peer_open.c */

/* peer_next - try the next target, if the last one may be passed over
 *
 * Needs    PEER_CONNECTING, p->why. The peer may be gone afterwards.
 */
void
peer_next(struct peer *p);

/* peer_mail.c */

/* peer_look - at CONN_TIMEOUT: is it late? */
enum deadline_state
peer_look(struct peer *p);

/* peer_pump - put text into the connection, as much as is good for it
 *
 * The peer may be gone afterwards.
 */
void
peer_pump(struct peer *p);

/* peer_told - a recipient's reply has come */
void
peer_told(struct peer *p);

/* peer_may_send - the text may go; false: there is no room to keep it, where
 * that was needed; then it goes to those that were taken, and no others */
void
peer_may_send(struct peer *p);

/* peer_over - its transfer's turn is over, v for all that have no outcome */
void
peer_over(struct peer *p, const struct verdict *v);

/* peer_end.c: the peer may be gone after each of these */

/* peer_lost - the connection has ended, or nothing has come in time */
void
peer_lost(struct peer *p, const char *what, bool is_silent);

/* peer_broken - the client's machine says so */
void
peer_broken(struct peer *p);

#endif
