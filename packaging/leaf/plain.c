/* plain.c - qmqpc/secure.h for the static leaf without TLS
 *
 * A hub with "qmqps:" counts as one in trouble: never is mail for it sent in
 * clear text.
 *
 * Test  tests/leaf_static.t
 */
#include "qmqpc/secure.h"

#include "lib/buf.h"
#include "lib/die.h"

int
secure_ready(struct secure *s, const struct hop_name *hub, struct buf *why)
{
	(void)s;
	(void)hub;
	buf_text(why, "this qmqpc was built without TLS");
	return -1;
}

void
secure_start(const struct secure *s, const struct hop_name *hub,
	     struct stream *stream)
{
	(void)s;
	(void)hub;
	(void)stream;
	die_bug("TLS without TLS");
}

void
secure_forget(struct secure *s)
{
	(void)s;
}
