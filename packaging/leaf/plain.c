/* plain.c - what the static leaf without TLS has instead of secure.h and
 * inject.h
 *
 * A hub with "qmqps:" counts as one in trouble: never is mail for it sent in
 * clear text. Called as qmail-inject it says that it is not that.
 *
 * Test  tests/leaf_static.t
 */
#include "qmqpc/secure.h"

#include "lib/buf.h"
#include "lib/die.h"
#include "qmqpc/inject.h"
#include "qmqpc/session.h"

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

int
inject_run(char **arguments, size_t n)
{
	enum { PERMANENT = 100 }; /* as qmail-inject says it */

	(void)arguments;
	(void)n;
	return session_complain(
	    PERMANENT, SLICE("this qmqpc was built without qmail-inject"));
}
