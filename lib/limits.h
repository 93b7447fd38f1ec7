/* limits.h - how much is too much (design: section 9), until tables say
 * otherwise
 *
 * struct limits is what the table serverlimits can change, for each daemon that
 * listens to the network.
 */
#ifndef QUAIL_LIB_LIMITS_H
#define QUAIL_LIB_LIMITS_H

#include <stddef.h>
#include <stdint.h>

enum {
	LIMIT_TEXT = 50 * 1024 * 1024,	/* bytes of a message */
	LIMIT_TRACE = 32 * 1024,	/* ... of what hops put in front */
	LIMIT_RCPTS = 10000,		/* recipients of a message */
	LIMIT_RCPTS_SMTP = 1000,	/* ... at the SMTP edge */
	LIMIT_HOPS = 100,		/* Received and Delivered-To lines */
	LIMIT_SESSION_S = 3600,		/* a whole session */
	LIMIT_IDLE_S = 300,		/* without a byte from the peer */
	LIMIT_PROGRESS_S = 300,		/* for LIMIT_PROGRESS bytes ... */
	LIMIT_PROGRESS = 16384,		/* ... of a message */
	LIMIT_CONNECTIONS = 20000,	/* at a time, to one daemon */
	LIMIT_CONNECTIONS_TLS = 2000,	/* of these with TLS: 30 KiB each */
	LIMIT_CONNECTIONS_CLIENT = 100, /* ... of one address */
	LIMIT_HANDSHAKES = 100,	   /* of TLS a second, for each network; ... */
	LIMIT_HANDSHAKES_S = 10,   /* ... so long saved up, they come at once */
	LIMIT_IN_FLIGHT = 32 << 20 /* bytes: budget.h */
};

struct limits {
	size_t connections, connections_tls, connections_client;
	size_t handshakes;
	size_t in_flight;
	int64_t session_s, idle_s;
	uint64_t progress;
};

#define LIMITS_DEFAULT                                                         \
	((struct limits){.connections = LIMIT_CONNECTIONS,                     \
			 .connections_tls = LIMIT_CONNECTIONS_TLS,             \
			 .connections_client = LIMIT_CONNECTIONS_CLIENT,       \
			 .handshakes = LIMIT_HANDSHAKES,                       \
			 .in_flight = LIMIT_IN_FLIGHT,                         \
			 .session_s = LIMIT_SESSION_S,                         \
			 .idle_s = LIMIT_IDLE_S,                               \
			 .progress = LIMIT_PROGRESS})

#endif
