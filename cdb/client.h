/* client.h - what a front end's client may do, by its address or its key
 *
 * Test  tests/tls.t, tests/front_test.c, tests/limits.t
 */
#ifndef QUAIL_CDB_CLIENT_H
#define QUAIL_CDB_CLIENT_H

#include "cdb/config.h"
#include "lib/front.h"

#define CLIENT_UNBALANCED                                                      \
	"the balancer that named this client is not trusted any more (#4.7.1)"

/* client_accept - the rights of a new client, by its address
 *
 * Returns  CONFIG_ bits; s->relay and s->repeats say the same. They hold until
 *          client_again.
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

/* client_again - look again before a message when there are new tables
 *
 * What its key or its address may do now, and whether whoever has said its
 * address is still believed.
 * Returns  NULL; or a static text with its status: no message of this
 *          session is taken, but each told Z.
 */
const char *
client_again(const struct config *c, struct front_session *s, unsigned *rights);

/* client_begin - may it begin a message of so many bytes now?
 *
 * Counts the message against the rate of its line in access; all who have
 * the same key, or the same address, count together.
 * Takes    pin: known by this key; NULL: by its address. size 0: unknown.
 * Returns  'K'; 'Z' or 'D' and *why_r a static text with its status code.
 */
char
client_begin(const struct config *c, struct clients *clients,
	     const struct endpoint *peer, const struct tls_pin *pin,
	     uint64_t size, const char **why_r);

/* client_sender - may it use this return path? Returns as client_begin */
char
client_sender(const struct config *c, const struct endpoint *peer,
	      const struct tls_pin *pin, struct slice sender,
	      const char **why_r);

/* client_may_begin, client_may_use - the same for a session of a front end,
 * without a look at the tables where its line has no options */
static inline char
client_may_begin(const struct config *c, struct front_session *s, uint64_t size,
		 const char **why_r)
{
	return s->limited ? client_begin(c, &s->front->server.clients, &s->peer,
					 s->known ? &s->pin : NULL, size, why_r)
			  : 'K';
}

static inline char
client_may_use(const struct config *c, struct front_session *s,
	       struct slice sender, const char **why_r)
{
	return s->limited
		   ? client_sender(c, &s->peer, s->known ? &s->pin : NULL,
				   sender, why_r)
		   : 'K';
}

#endif
