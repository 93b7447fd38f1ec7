/* tls_hello.h - a look ahead into a client's hello
 *
 * BearSSL 0.6, as a server with names of protocols and a memory of sessions,
 * reads far behind its list of names when a client takes up a session again
 * and offers only other protocols: it forgets to look whether one was found.
 * Any client could end the process with that. So a session is taken up only
 * by a client whose protocols, if it offers any, have one of ours among
 * them; others get a full handshake, where all is well.
 *
 * Source  RFC 5246 (7.4.1.2), RFC 7301 (3.1)
 * Test    tests/tls_hello_test.c, tests/tls_memory_test.c
 */
#ifndef QUAIL_LIB_TLS_HELLO_H
#define QUAIL_LIB_TLS_HELLO_H

#include "lib/slice.h"

/* tls_hello_fits - may this client take up a session?
 *
 * Takes    rest: the hello's bytes behind its session id: suites,
 *          compression methods, extensions. names: our protocols.
 * Returns  true: it offers no protocols, or ours are among them; false: it
 *          offers others only, or more than one list, or rest is not the
 *          whole rest of a hello.
 */
bool
tls_hello_fits(struct slice rest, const char *const *names, size_t n_names);

#endif
