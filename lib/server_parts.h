/* server_parts.h - what server.c and server_proxy.c share; for nobody else */
#ifndef QUAIL_LIB_SERVER_PARTS_H
#define QUAIL_LIB_SERVER_PARTS_H

#include "lib/server.h"

/* server_admit_take - a connection whose client is known: accept or refuse it
 *
 * Takes    balanced: a balancer has said who it is.
 * Owns     fd.
 */
void
server_admit_take(const struct server_socket *socket, int fd,
		  const struct endpoint *peer, bool balanced);

/* server_trusts - must this peer send a PROXY header? */
bool
server_trusts(const struct server_trust *trust, const struct endpoint *peer);

/* server_proxy_take - read the header first, then admit
 *
 * Owns     fd.
 */
void
server_proxy_take(const struct server_socket *socket, int fd,
		  const struct endpoint *peer);

/* server_proxy_stop - close those of s that still read theirs */
void
server_proxy_stop(struct server *s);

/* server_make_room - let the guest go who has been idle longest
 *
 * Takes    tls: it must be one with TLS; has_right: for a client that access
 *          gives a right; for others only who is idle has to go.
 * Returns  false: there is none.
 */
bool
server_make_room(struct server *s, bool tls, bool has_right);

/* server_tell_refused - say why, if anybody wants to hear */
void
server_tell_refused(struct server *s, const struct endpoint *peer,
		    const char *why);

#endif
