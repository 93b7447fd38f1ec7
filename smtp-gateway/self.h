/* self.h - is this host, or address, ourselves?
 *
 * What the DNS says of a domain must not lead back to us: such mail would go
 * round until its hops are counted. A route of ours may: whoever writes
 * smtp:127.0.0.1:10025 means it.
 *
 * Ourselves are: localhost and the names of me, helohost and the pool that
 * the mail goes out from; the addresses that we listen at, and those of our
 * interfaces. No place at all are the loopback, link-local addresses and
 * others that no host of the Internet has (reach.h); nor are those of private
 * networks, if the table mxnetworks does not say so: what answers there is no
 * business of who writes a zone.
 *
 * Source  RFC 5321 section 5.1; RFC 6761 section 6.3
 * Test    tests/self_test.c, tests/smtp_out.t
 */
#ifndef QUAIL_SMTP_SELF_H
#define QUAIL_SMTP_SELF_H

#include "cdb/config.h"

enum self {
	SELF_NOT,
	SELF_PRIVATE, /* not of the Internet, nor in mxnetworks */
	SELF_NOWHERE, /* localhost, loopback: no place for mail of others */
	SELF_US	      /* ourselves, as others see us */
};

/* self_name - a host's name, with or without the dot at its end
 *
 * Takes    helo: the name of the pool; may be empty.
 */
enum self
self_name(const struct config *c, struct slice helo, struct slice host);

/* self_address
 *
 * Takes    is_test: other nodes are on the loopback too, for tests: of that
 *          only what we listen at is SELF_NOWHERE.
 */
enum self
self_address(const struct config *c, const struct endpoint *e, bool is_test);

/* self_serves - do we listen by SMTP at this address and port? */
bool
self_serves(const struct config *c, const struct endpoint *e);

#endif
