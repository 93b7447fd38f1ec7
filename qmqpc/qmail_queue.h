/* qmail_queue.h - the stand-in for qmail-queue
 *
 * Called under that name: the message, as it is, on descriptor 0, and on 1
 *
 *   F SENDER NUL  T RECIPIENT NUL ...  NUL
 *
 * Nothing is added to the message or taken away; the table rewrite holds for
 * the envelope alone.
 *
 * Source  protocols of qmail: the manual page qmail-queue(8)
 * Test    tests/leaf_ways.t
 */
#ifndef QUAIL_QMQPC_QMAIL_QUEUE_H
#define QUAIL_QMQPC_QMAIL_QUEUE_H

enum qmail_queue_code {
	QMAIL_QUEUE_TOO_LONG = 11, /* an address, or too many of them */
	QMAIL_QUEUE_REJECTED = 31, /* a hub said D, or it is too large */
	QMAIL_QUEUE_STORING = 53,  /* no room for the message */
	QMAIL_QUEUE_READING = 54,  /* the message or the envelope */
	QMAIL_QUEUE_CONFIG = 55,   /* no configuration */
	QMAIL_QUEUE_DEFERRED = 71, /* no hub took it, nor did a spool */
	QMAIL_QUEUE_ENVELOPE = 91  /* it is none */
};

/* qmail_queue_run - read both and hand the message over
 *
 * Returns  0 or one of the codes above.
 */
int
qmail_queue_run(void);

#endif
