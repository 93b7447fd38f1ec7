#include "lib/trace.h"

#include <time.h>

enum { HELO_MAX = 255 };

static void
put_helo(struct buf *out, struct slice helo)
{
	size_t i, n = helo.len < HELO_MAX ? helo.len : HELO_MAX;

	for (i = 0; i < n; i++) {
		char c = helo.at[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') ||
			    (c && strchr(".-_:[]", c));

		buf_putc(out, fine ? c : '?');
	}
}

static void
put_two(struct buf *out, int v, char behind)
{
	buf_putc(out, (char)('0' + v / 10 % 10));
	buf_putc(out, (char)('0' + v % 10));
	buf_putc(out, behind);
}

static void
put_year(struct buf *out, int since_1900)
{
	int64_t year = INT64_C(1900) + since_1900;

	if (year < 0)
		buf_putc(out, '-');
	buf_number(out, (uint64_t)(year < 0 ? -year : year));
}

void
trace_date(struct buf *out, int64_t now_s)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed",
					"Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr",
					   "May", "Jun", "Jul", "Aug",
					   "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;
	time_t t = (time_t)now_s;

	if (!gmtime_r(&t, &tm)) { /* a year that no int can hold */
		t = 0;
		gmtime_r(&t, &tm);
	}
	buf_text(out, days[tm.tm_wday]);
	buf_text(out, ", ");
	put_two(out, tm.tm_mday, ' ');
	buf_text(out, months[tm.tm_mon]);
	buf_putc(out, ' ');
	put_year(out, tm.tm_year);
	buf_putc(out, ' ');
	put_two(out, tm.tm_hour, ':');
	put_two(out, tm.tm_min, ':');
	put_two(out, tm.tm_sec, ' ');
	buf_text(out, "+0000");
}

void
trace_received(struct buf *out, struct slice helo, const struct endpoint *peer,
	       struct slice me, const char *proto, uint64_t id, int64_t now_s)
{
	buf_text(out, "Received: from ");
	if (helo.len > 0) {
		put_helo(out, helo);
		buf_text(out, " ");
	}
	buf_putc(out, '(');
	if (peer->len)
		endpoint_host(peer, out);
	else
		buf_text(out, "local");
	buf_text(out, ")\n  by ");
	buf_puts(out, me);
	buf_text(out, " with ");
	buf_text(out, proto);
	buf_text(out, " id ");
	buf_hex(out, 16, id);
	buf_text(out, ";\n  ");
	trace_date(out, now_s);
	buf_putc(out, '\n');
}
