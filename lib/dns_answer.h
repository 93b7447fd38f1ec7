/* dns_answer.h - a question to a name server that is hard to guess, and what
 * the answer says, read strictly
 *
 * The id and the case of each letter are random ("0x20"): who sends an answer
 * without having seen the question must guess them, and the port it came
 * from. An answer is taken in part or not at all: one that is cut, has
 * pointers in a circle, more than DNS_ANSWER_MAX bytes, DNS_RECORDS_MAX
 * records or DNS_ALIASES_MAX aliases (CNAME) is bad. What it says of TTLs is
 * not looked at.
 *
 * Pure, but for the randomness.
 *
 * Source  RFC 1035 section 4; RFC 6891 (EDNS);
 *         draft-vixie-dnsext-dns0x20
 * Test    tests/dns_answer_test.c, tests/fuzz/dns_fuzz.c
 */
#ifndef QUAIL_LIB_DNS_ANSWER_H
#define QUAIL_LIB_DNS_ANSWER_H

#include "lib/dnswire.h"

enum {
	DNS_ANSWER_MAX = 16384,
	DNS_RECORDS_MAX = 512,
	DNS_ALIASES_MAX = 16,
	DNS_UDP_MAX = 1232, /* bytes that we take by UDP */
	DNS_OPT = 11	    /* bytes that EDNS adds to a question */
};

enum { DNS_TYPE_A = 1, DNS_TYPE_MX = 15, DNS_TYPE_AAAA = 28 };

struct dns_wire {
	uint8_t bytes[DNSWIRE_QUERY_MAX + DNS_OPT];
	size_t len, asked; /* all of it; where the question ends */
};

/* dns_wire_ask - make a question; with another id and case each time
 *
 * Returns  0; -1 for what is no name (dnswire_ask).
 */
int
dns_wire_ask(struct dns_wire *w, struct slice name, unsigned type);

/* dns_wire_echoes - does the answer repeat the question in every bit?
 *
 * A good server does; one that changes the case of letters, or a forger,
 * does not.
 */
bool
dns_wire_echoes(const struct dns_wire *w, struct slice answer);

enum dns_answer_result {
	DNS_ANSWER_GOOD, /* there is such a name; perhaps no such record */
	DNS_ANSWER_NONE, /* there is no such name */
	DNS_ANSWER_BAD	 /* the server cannot say, or speaks nonsense */
};

/* dns_answer_read - what does it say?
 *
 * Takes    record: told of each record of the type that was asked for, with
 *          its data; whole is for dns_answer_name.
 */
enum dns_answer_result
dns_answer_read(const struct dns_wire *w, struct slice whole,
		void (*record)(void *arg, struct slice whole,
			       struct slice data),
		void *arg);

/* dns_answer_name - the name that begins at data, with dots between its
 * labels, in lower case, and a NUL behind it; the root is ""
 *
 * Returns  0; -1 when it leads out of the answer or in a circle, or is too
 *          long. Its bytes may be any, but no dot and no NUL, for which '?'
 *          stands.
 */
int
dns_answer_name(struct slice whole, struct slice data, char name[256]);

#endif
