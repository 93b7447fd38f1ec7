/* explain_facts.h - all that the tables say of one address, each with its line
 *
 * Test  tests/routing.t
 */
#ifndef QUAIL_QUEUE_EXPLAIN_FACTS_H
#define QUAIL_QUEUE_EXPLAIN_FACTS_H

#include "cdb/config.h"

/* The question, and how to print the answer. */
struct explain {
	const struct config *config;
	bool json;
	bool has_sender;
	struct slice sender;
	bool has_client;
	struct slice client; /* an address, or the name of a key in access */
	unsigned rights;
	unsigned n_facts;
	struct buf scratch;
};

/* explain_facts - print them, as lines or as a JSON object */
void
explain_facts(struct explain *e, struct slice address);

/* explain_fact - print one
 *
 * Takes    source: the line that says it, and pattern, what stands there;
 *          both may be empty.
 */
void
explain_fact(struct explain *e, const char *what, struct slice value,
	     struct slice source, struct slice pattern);

/* explain_client - what e->client may do, if one is given; sets e->rights */
void
explain_client(struct explain *e);

/* explain_state - what the running queue says of a next hop; nothing without
 * one, or when it knows of none such */
void
explain_state(struct explain *e, struct slice nexthop, struct slice domain);

#endif
