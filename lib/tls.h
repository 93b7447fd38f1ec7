/* tls.h - TLS 1.2 over a connected descriptor, as a kind of stream
 *
 * Both sides, never blocking. ECDHE with AES-GCM or ChaCha20-Poly1305 and
 * nothing else; no renegotiation. Sessions are taken up again only where
 * both sides were told to (tls_memory.h). The end of a stream without
 * the peer's word for it is an error, as is everything else that is not as
 * it must be: calls then return -1 with EPROTO, and stream_why has one line.
 *
 *   stream_flush  0: the handshake is over, and all is written out
 *   stream_read   as read(2); makes the handshake too
 *   stream_write  as write(2); what it took may still wait: stream_flush
 *   stream_wants  what TLS itself waits for
 *   stream_close  says the end to the peer if it can without waiting
 *
 * A program without a loop (the sendmail command) makes the descriptor
 * non-blocking, and on EAGAIN polls for stream_wants: LOOP_READ and
 * LOOP_WRITE are its bits, and to read it waits for LOOP_READ anyway.
 * Handshake: until stream_flush is 0. Sending: stream_write until all is
 * taken, then stream_flush until 0. Receiving: stream_read; ask
 * stream_pending before polling.
 *
 * A stream's memory: 28 KiB (server), 41 KiB (client), given back by
 * stream_close.
 *
 * Source  RFC 5246, RFC 7301; BearSSL 0.6
 * Test    tests/tls_test.c, tests/tls.t
 */
#ifndef QUAIL_LIB_TLS_H
#define QUAIL_LIB_TLS_H

#include "lib/stream.h"
#include "lib/tls_key.h"

enum { TLS_HANDSHAKE_S = 30 }; /* what our users give a handshake */

/* tls_server - speak TLS on a plain stream from here on, as the server
 *
 * Needs    nothing of the stream read or written yet by anybody.
 * Takes    own: used until stream_close.
 *          The client is asked for a certificate. It may have none; if it
 *          sends one, it proves that it has the key, and tls_peer tells
 *          which. Whose it is, and what that means, is the user's to say.
 */
void
tls_server(struct stream *s, const struct tls_key *own);

/* By what the client knows its server: the pin, or else roots and name. */
struct tls_expected {
	const struct tls_pin *pin;
	struct tls_roots *roots;
	const char *name; /* copied; no trailing dot */
};

/* tls_client - speak TLS on a plain stream from here on, as the client
 *
 * Takes    own: shown if the server asks; NULL: none. Used until
 *          stream_close, as is what e points to.
 *          Without a pin, and without roots and a name, nobody is trusted:
 *          that is a bug of the caller, and ends the process.
 */
void
tls_client(struct stream *s, const struct tls_key *own,
	   const struct tls_expected *e);

/* tls_is_on - is it a TLS stream at all? */
bool
tls_is_on(const struct stream *s);

/* tls_is_open - is the handshake over? (false for a plain stream) */
bool
tls_is_open(const struct stream *s);

/* tls_peer - the key that the peer has proved to have
 *
 * Returns  true and *pin; false: none, or the handshake is not over yet, or
 *          the peer was checked by name and not by pin.
 */
bool
tls_peer(const struct stream *s, struct tls_pin *pin);

/* tls_protocols - offer these for what is spoken inside (ALPN)
 *
 * Needs    to be called right behind tls_server or tls_client, and there
 *          before tls_client_resumes.
 * Takes    names: the best first; used until stream_close.
 * A peer that knows none of them, or nothing of ALPN, is no failure.
 */
void
tls_protocols(struct stream *s, const char *const *names, size_t n);

/* tls_protocol - which of them do both sides know?
 *
 * Returns  one of the names; NULL: none, or the handshake is not over yet.
 */
const char *
tls_protocol(const struct stream *s);

/* tls_is_resumed - was an earlier session taken up again? */
bool
tls_is_resumed(const struct stream *s);

#endif
