/* service.h - what the daemons that listen to the network do alike
 *
 * Between a server (lib/server.h) and the tables: where to listen, which
 * limits, which load balancers, which key; and what of it is taken up anew.
 *
 * Test  tests/limits.t
 */
#ifndef QUAIL_CDB_SERVICE_H
#define QUAIL_CDB_SERVICE_H

#include "cdb/config.h"
#include "lib/front.h"
#include "lib/tidy.h"

struct service {
	struct server *server;
	struct front *front; /* NULL: no TLS is spoken here */
	struct config *config;
	const char *plain, *tls;  /* protocols: "qmqp", "qmqps" or NULL */
	size_t n_plain, n_tls;	  /* sockets */
	struct stat key_files[2]; /* as they were when the key was read */
	struct tidy tidy;
};

#define SERVICE_BUSY	       "Ztoo many connections, try again (#4.3.2)"
#define SERVICE_BUSY_NETSTRING "41:" SERVICE_BUSY ","

/* service_start - listen wherever the tables say; dies where they don't
 *
 * Needs    *s with server, front, config and the protocols; server_init done.
 * Takes    refusal: what a connection over the limit is told.
 * Does     from here on the server's owner is *s. Reads the key, if there is
 *          a socket for TLS.
 */
void
service_start(struct service *s, struct slice refusal);

/* service_refresh - take up a new configuration if there is one, and log it;
 * say what has been counted (often.h); give the system back what a burst of
 * messages has left; call it each second
 *
 * Limits and balancers go by it at once, for new connections; so does a key
 * whose files have changed.
 * Takes    again: look at the key's files in any case (SIGHUP).
 */
void
service_refresh(struct service *s, bool again);

#endif
