/* client.h - what a front end's client may do, by its address or its key
 *
 * Test  tests/tls.t
 */
#ifndef QUAIL_CDB_CLIENT_H
#define QUAIL_CDB_CLIENT_H

#include "cdb/config.h"
#include "lib/front.h"

/* client_accept - the rights of a new client, by its address
 *
 * Returns  CONFIG_ bits; s->relay and s->repeats say the same.
 */
unsigned
client_accept(const struct config *c, struct front_session *s,
	      const struct endpoint *peer);

/* client_meet - look again when TLS has said whose key the client has
 *
 * Call it at each input; it does something once only, and only for a
 * session of TLS: logs the key, and if access has a line for it, names the
 * session and puts that line's rights in place of its address's.
 */
void
client_meet(const struct config *c, struct front_session *s, unsigned *rights);

#endif
