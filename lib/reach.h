/* reach.h - what kind of place is an address?
 *
 *   nowhere   no host of others is there: 0.0.0.0/8, the loopback, link-local,
 *             multicast, broadcast, what is reserved; and the same of IPv6
 *   private   hosts of one's own network alone: RFC 1918, the shared space of
 *             RFC 6598, unique local ones (RFC 4193), networks for tests
 *   public    all others
 *
 * An address of IPv6 that stands for one of IPv4 (mapped, NAT64, 6to4) is
 * what that is.
 *
 * Source  the IANA registries of special-purpose addresses (RFC 6890)
 * Test    tests/reach_test.c
 */
#ifndef QUAIL_LIB_REACH_H
#define QUAIL_LIB_REACH_H

#include <stdint.h>

enum reach { REACH_PUBLIC, REACH_PRIVATE, REACH_NOWHERE };

/* reach_of
 *
 * Takes    16 bytes, v4 as ::ffff:a.b.c.d (endpoint_address).
 */
enum reach
reach_of(const uint8_t address[16]);

#endif
