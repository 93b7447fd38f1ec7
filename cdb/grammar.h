/* grammar.h - what may stand in a table
 *
 * Pure checks of one word each. Those that return a text return NULL when
 * the word is right, else what is wrong and what would be right; a '$' in
 * it stands for the word (report.h).
 *
 * Source  doc/quail-tables.5; RFC 1123 section 2.1 (names of hosts)
 * Test    tests/build_test.c
 */
#ifndef QUAIL_CDB_GRAMMAR_H
#define QUAIL_CDB_GRAMMAR_H

#include "lib/slice.h"

enum {
	GRAMMAR_DOMAIN_MAX = 253,
	GRAMMAR_LABEL_MAX = 63,
	GRAMMAR_LOCAL_MAX = 64,
	GRAMMAR_AGENT_MAX = 32
};

/* grammar_domain - letters, digits, '-' and '_' in labels between dots */
bool
grammar_domain(struct slice s);

/* grammar_domain_fault - the same with a text that says what is wrong */
const char *
grammar_domain_fault(struct slice s);

/* grammar_suffix - .DOMAIN */
bool
grammar_suffix(struct slice s);

/* grammar_address - LOCAL@DOMAIN, LOCAL being printable and not '*' */
bool
grammar_address(struct slice s);

/* grammar_local_part_fault - of an address of ours, without quoting */
const char *
grammar_local_part_fault(struct slice s);

/* grammar_host - a domain, or an address: v4, or v6 (without brackets) */
bool
grammar_host(struct slice s);

/* grammar_route - the pattern of a route: address, domain, .suffix or '*' */
const char *
grammar_route_fault(struct slice s);

/* grammar_user_fault - the pattern of a user: address or *@DOMAIN */
const char *
grammar_user_fault(struct slice s);

/* grammar_mailbox_fault - maildir:PATH; in PATH only %u and %d with a '%',
 * no part of it ".." */
const char *
grammar_mailbox_fault(struct slice s);

/* grammar_size - bytes: a number, K, M or G (1024, ...) behind it or not
 *
 * Returns  true and *n, at most 2^40.
 */
bool
grammar_size(struct slice s, uint64_t *n);

/* grammar_access_fault - an option of a client: senders=DOMAIN,.SUFFIX,...
 * size=SIZE rate=N/m connections=N */
const char *
grammar_access_fault(struct slice option);

/* grammar_limit_name_fault, grammar_limit_fault - a line of serverlimits:
 * first its name; if that is right its value, and if that is so too *n */
const char *
grammar_limit_name_fault(struct slice name);

const char *
grammar_limit_fault(struct slice name, struct slice value, uint64_t *n);

/* grammar_client_name_fault - what a client is called that is known by its
 * key: letters, digits, '.', '-' and '_' */
const char *
grammar_client_name_fault(struct slice s);

/* grammar_nexthop_fault - qmtp:HOST:PORT, qmtps:HOST:PORT,
 * qmtps:HOST:PORT/PIN, smtp:HOST:PORT, smtp:mx */
const char *
grammar_nexthop_fault(struct slice s);

/* grammar_is_agent - may a site's own agent have that name? Letters and
 * digits, and no name or word that has a meaning already */
bool
grammar_is_agent(struct slice s);

/* grammar_listen_fault - ADDRESS:PORT or [V6]:PORT, ADDRESS numeric */
const char *
grammar_listen_fault(struct slice s);

/* grammar_server_fault - HOST, HOST:PORT, [V6], [V6]:PORT or V6; the same
 * behind qmqps: with /PIN behind it, which only a name may lack */
const char *
grammar_server_fault(struct slice s);

#endif
