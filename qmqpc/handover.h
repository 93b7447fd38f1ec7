/* handover.h - a sealed submission goes to a hub, or else to the spool
 *
 * Test  tests/sendmail.t, tests/leaf.t
 */
#ifndef QUAIL_QMQPC_HANDOVER_H
#define QUAIL_QMQPC_HANDOVER_H

#include "qmqpc/place.h"
#include "qmqpc/submit.h"

enum {
	HANDOVER_TIMEOUT_S = 300, /* for all hubs together */
	HANDOVER_SPOOL_S = 60,	  /* the same where there is a spool */
	HANDOVER_TIMEOUT_MAX_S = 3600
};

/* handover_message - give it away
 *
 * timeout= in qmqpservers, and before it QUAIL_TIMEOUT_S in the environment,
 * takes the place of the times above.
 * Returns  0: a hub has it, or the spool has; else a code of sysexits. s->why
 *          says which, or what is wrong.
 */
int
handover_message(struct submit *s, const struct place *place);

#endif
