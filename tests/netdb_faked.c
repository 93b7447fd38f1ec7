#include "tests/netdb_faked.h"

#include "lib/clock.h"
#include "lib/endpoint.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#define open(path, how) fake_open(path, how)
#define read		fake_read
#define close		fake_close
#define socket		fake_socket
#define connect		fake_connect
#define send		fake_send
#define recv		fake_recv
#define poll(p, n, ms)	fake_poll(p, n, ms)
#define getrandom	fake_random
#define clock_ms	fake_ms
#define getaddrinfo	leaf_getaddrinfo
#define gai_strerror	leaf_gai_strerror
#include "packaging/leaf/lines.c"
#include "packaging/leaf/netdb.c"

_Static_assert((int)FOUND_MAX == (int)NETDB_FOUND_MAX &&
		   SERVERS_MAX * N_ROUNDS * (1 + SEARCH_MAX / 2) ==
		       (int)NETDB_ASKED_MAX,
	       "what the harness takes for granted");
