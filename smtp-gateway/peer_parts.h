/* peer_parts.h - what peer.c (the connection) and peer_mail.c (the transfer
 * that it carries) say to each other; nobody else's
 */
#ifndef QUAIL_SMTP_PEER_PARTS_H
#define QUAIL_SMTP_PEER_PARTS_H

#include "smtp-gateway/dest.h"
#include "smtp-gateway/peer.h"

/* peer_set_timeout - the time-out of what the client waits for now */
void
peer_set_timeout(struct peer *p);

/* peer_pump - put text into the connection, as much as is good for it
 *
 * The peer may be gone afterwards.
 */
void
peer_pump(struct peer *p);

/* peer_over - its transfer is over, v for all that have no outcome */
void
peer_over(struct peer *p, const struct verdict *v);

/* peer_idle - ready for the next transfer */
void
peer_idle(struct peer *p);

/* peer_gone - close, and free the peer
 *
 * Takes    v: as dest_peer_gone; may be a part of the peer.
 */
void
peer_gone(struct peer *p, const struct verdict *v);

#endif
