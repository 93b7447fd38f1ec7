/* dsn_test - parameters of RFC 3461: which are good, and where they go */
#include "lib/dsn.h"

#include "lib/netstring.h"
#include "tests/tap.h"

static const char *const of_message[] = {
    "ret=FULL", "ret=HDRS", "envid=QQ314159", "envid=a+2Bb+20", NULL};
static const char *const of_rcpt[] = {"notify=NEVER",
				      "notify=SUCCESS",
				      "notify=DELAY,FAILURE",
				      "notify=SUCCESS,FAILURE,DELAY",
				      "orcpt=rfc822;Bob@Example.com",
				      "orcpt=rfc822;a+2Bb@c.test",
				      "orcpt=utf-8;x",
				      NULL};
static const char *const of_nobody[] = {"",
					"=",
					"ret",
					"ret=",
					"ret=full",
					"ret=FULL ",
					"RET=FULL",
					"envid=",
					"envid=a b",
					"envid=a=b",
					"envid=a+2",
					"envid=a+2b",
					"envid=a+",
					"envid=\xc3\xa4",
					"notify=",
					"notify=never",
					"notify=NEVER,DELAY",
					"notify=DELAY,DELAY",
					"notify=DELAY,",
					"notify=,DELAY",
					"notify=DELAYS",
					"orcpt=",
					"orcpt=;a@b",
					"orcpt=rfc822",
					"orcpt=rfc822;",
					"orcpt=rfc 822;a@b",
					"orcpt=rfc822;a b",
					"size=5",
					"notify.0=NEVER",
					NULL};

static void
test_kinds(void)
{
	size_t i;

	for (i = 0; of_message[i]; i++)
		ok(dsn_of_message(slice_text(of_message[i])) &&
		       !dsn_of_rcpt(slice_text(of_message[i])),
		   "of a message: %s", of_message[i]);
	for (i = 0; of_rcpt[i]; i++)
		ok(!dsn_of_message(slice_text(of_rcpt[i])) &&
		       dsn_of_rcpt(slice_text(of_rcpt[i])),
		   "of a recipient: %s", of_rcpt[i]);
	for (i = 0; of_nobody[i]; i++)
		ok(!dsn_of_message(slice_text(of_nobody[i])) &&
		       !dsn_of_rcpt(slice_text(of_nobody[i])),
		   "none: %s", of_nobody[i]);
}

static void
test_lengths(void)
{
	struct buf b = {0};
	size_t n;

	buf_text(&b, "envid=");
	for (n = 0; n < DSN_ENVID_MAX; n++)
		buf_putc(&b, 'a');
	ok(dsn_of_message(buf_slice(&b)), "an id of 100");
	buf_putc(&b, 'a');
	ok(!dsn_of_message(buf_slice(&b)), "of 101");
	buf_clear(&b);
	buf_text(&b, "orcpt=rfc822;");
	for (n = 7; n < DSN_ORCPT_MAX; n++)
		buf_putc(&b, 'a');
	ok(dsn_of_rcpt(buf_slice(&b)), "an address of 500");
	buf_putc(&b, 'a');
	ok(!dsn_of_rcpt(buf_slice(&b)), "of 501");
	ok(!dsn_of_message(SLICE("envid=a\0b")), "NUL");
	buf_free(&b);
}

static void
test_pick(void)
{
	struct buf attrs = {0}, out = {0};

	netstring_put(&attrs, SLICE("client=10.0.0.1"));
	netstring_put(&attrs, SLICE("ret=HDRS"));
	netstring_put(&attrs, SLICE("notify.0=NEVER"));
	netstring_put(&attrs, SLICE("notify.10=DELAY"));
	netstring_put(&attrs, SLICE("orcpt.1=rfc822;a@b.test"));
	netstring_put(&attrs, SLICE("notify.1=SUCCESS"));
	netstring_put(&attrs, SLICE("notify.01=FAILURE"));
	netstring_put(&attrs, SLICE("notify.=FAILURE"));
	netstring_put(&attrs, SLICE("notify.1=WHAT"));
	netstring_put(&attrs, SLICE("envid=x"));
	dsn_pick(&out, buf_slice(&attrs));
	ok(slice_eq(buf_slice(&out), SLICE("8:ret=HDRS,7:envid=x,")),
	   "the message's");
	buf_clear(&out);
	dsn_pick_rcpt(&out, buf_slice(&attrs), 1);
	ok(slice_eq(buf_slice(&out),
		    SLICE("21:orcpt=rfc822;a@b.test,14:notify=SUCCESS,")),
	   "the second recipient's: %.*s", (int)out.len, buf_slice(&out).at);
	buf_clear(&out);
	dsn_pick_rcpt(&out, buf_slice(&attrs), 0);
	ok(slice_eq(buf_slice(&out), SLICE("12:notify=NEVER,")),
	   "the first one's");
	buf_clear(&out);
	dsn_pick_rcpt(&out, buf_slice(&attrs), 2);
	ok(out.len == 0, "the third has none");
	dsn_attr_put(&out, SLICE("notify"), 12);
	ok(slice_eq(buf_slice(&out), SLICE("notify.12")), "and back");
	buf_free(&attrs), buf_free(&out);
}

int
main(void)
{
	test_kinds();
	test_lengths();
	test_pick();
	return tap_done();
}
