/* dns_parts.h - what dns.c makes of names and records, without c-ares
 *
 * Nobody else's.
 *
 * Test  tests/dns_test.c
 */
#ifndef QUAIL_LIB_DNS_PARTS_H
#define QUAIL_LIB_DNS_PARTS_H

#include "lib/dns.h"

#include <netinet/in.h>

/* dns_name - copy a host's name, with a NUL behind it
 *
 * Returns  false for what is none: other bytes than letters, digits, "-",
 *          "." and "_" (c-ares would read backslashes), a dot in front, no
 *          byte, or too many.
 */
bool
dns_name(char name[DNS_NAME_MAX + 1], struct slice host);

/* dns_add_v4, dns_add_v6 - append an address, with q->port
 *
 * Needs    fewer than DNS_ADDRESSES_MAX.
 */
void
dns_add_v4(struct dns_query *q, const struct in_addr *a);

void
dns_add_v6(struct dns_query *q, const struct in6_addr *a);

/* dns_add_mx - put an MX in its place; the worst falls out at DNS_MX_MAX
 *
 * Takes    lots: random numbers beside q->mx, which decide between equal
 *          preferences; a new one is drawn here.
 */
void
dns_add_mx(struct dns_query *q, uint32_t lots[DNS_MX_MAX], uint16_t preference,
	   const char *host);

#endif
