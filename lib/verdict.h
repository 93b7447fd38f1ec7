/* verdict.h - the fate of mail: K, Z or D, and a text
 *
 * K accepted, Z deferred, D rejected, through all layers. The text is one
 * line of printable ASCII without the letter in front, and carries an
 * enhanced status code as "(#4.3.1)", at its end unless it came from
 * elsewhere.
 *
 * Source  https://cr.yp.to/proto/qmtp.txt section 5; RFC 3463
 * Test    tests/lib_test.c
 */
#ifndef QUAIL_LIB_VERDICT_H
#define QUAIL_LIB_VERDICT_H

#include "lib/slice.h"

enum { VERDICT_TEXT_MAX = 400 };

/* What a Z is about. Only an agent of ours says so (quail-agent(7)); it is
 * never read out of a peer's words. */
enum verdict_about {
	VERDICT_MAIL, /* this recipient or this message: its own schedule */
	VERDICT_HOST, /* not the mail: another next hop may take it at once,
		       * and this one stays open for others */
	VERDICT_LESS, /* the same, and the host wants less of us */
	VERDICT_WAY   /* it could not be reached, or would not talk before
		       * any mail: the next hop is left alone for a while */
};

struct verdict {
	char code;     /* 'K', 'Z' or 'D' */
	uint8_t about; /* enum verdict_about; VERDICT_MAIL but for a Z */
	uint16_t len;
	char text[VERDICT_TEXT_MAX];
};

/* verdict_set - make a verdict, about the mail
 *
 * Takes    any bytes for text; what is not printable ASCII becomes '?', runs
 *          of CR and LF one space, and what is over VERDICT_TEXT_MAX is cut.
 */
void
verdict_set(struct verdict *v, char code, struct slice text);

/* verdict_say - the same from C strings; either may be "" */
void
verdict_say(struct verdict *v, char code, const char *text);

/* verdict_letter - how an agent writes it to the queue: K, D, Z, or H, L, U
 * for a Z that is about VERDICT_HOST, VERDICT_LESS, VERDICT_WAY */
char
verdict_letter(const struct verdict *v);

/* verdict_parse_agent - read what an agent of ours has written
 *
 * Returns  as verdict_parse, but the letters H, L and U are known.
 */
int
verdict_parse_agent(struct verdict *v, struct slice wire);

/* verdict_parse - read "Ktext" as it stands on a wire
 *
 * Returns  0; -1 when the first byte is not K, Z or D: *v is then a Z that
 *          says the peer's answer made no sense.
 */
int
verdict_parse(struct verdict *v, struct slice wire);

static inline struct slice
verdict_text(const struct verdict *v)
{
	return slice_of(v->text, v->len);
}

/* verdict_status - the enhanced status code inside the text
 *
 * Returns  "5.1.1" out of "(#5.1.1)", or out of a text that begins with
 *          one as SMTP's do, when its class fits the letter; else "4.0.0",
 *          "5.0.0" or "2.0.0". Static or borrowed from *v.
 */
struct slice
verdict_status(const struct verdict *v);

#endif
