/* limits.h - how much is too much (design: section 9), until tables say
 * otherwise */
#ifndef QUAIL_LIB_LIMITS_H
#define QUAIL_LIB_LIMITS_H

enum {
	LIMIT_TEXT = 50 * 1024 * 1024, /* bytes of a message */
	LIMIT_RCPTS = 10000,	       /* recipients of a message */
	LIMIT_RCPTS_SMTP = 1000,       /* ... at the SMTP edge */
	LIMIT_HOPS = 100,	       /* Received and Delivered-To lines */
	LIMIT_SESSION_S = 3600,	       /* a whole session */
	LIMIT_IDLE_S = 300	       /* without a byte from the peer */
};

#endif
