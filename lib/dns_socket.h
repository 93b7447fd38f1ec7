/* dns_socket.h - the sockets that c-ares uses, and how much it reads at once
 *
 * By itself it reads a socket until that is empty, and so would be kept busy
 * by whoever sends faster than it reads. What is left makes the descriptor
 * ready again.
 *
 * Test  tests/dns_test.c
 */
#ifndef QUAIL_LIB_DNS_SOCKET_H
#define QUAIL_LIB_DNS_SOCKET_H

#include "lib/buf.h"

#include <ares.h>

enum { DNS_SOCKET_READS = 16 }; /* packets of a descriptor in a round */

void
dns_socket_use(ares_channel channel);

/* dns_socket_turn - to be called before c-ares may read */
void
dns_socket_turn(void);

/* dns_socket_heard - how many packets have come, from any server? */
uint64_t
dns_socket_heard(void);

/* dns_socket_servers - append "192.0.2.1 2001:db8::1", those of c-ares */
void
dns_socket_servers(const struct ares_addr_port_node *all, struct buf *out);

#endif
