/* key_group.h - who may read the node's private key
 *
 * tls/key.pem is root's, mode 0640, with the group quail-key, where the system
 * has that group (packaging/sysusers.d): so the daemons that speak TLS read it,
 * and the queue, SMTP and mailboxes do not. Where there is no such group it is
 * for whoever runs the node, mode 0600; so it is in a directory that is not
 * root's, if it is not root's either.
 *
 * Test  tests/walls.t
 */
#ifndef QUAIL_QUEUE_KEY_GROUP_H
#define QUAIL_QUEUE_KEY_GROUP_H

#define KEY_GROUP "quail-key"

enum key_group {
	KEY_GROUP_RIGHT,  /* or there is nothing to be right */
	KEY_GROUP_MENDED, /* it was not, and is now */
	KEY_GROUP_WRONG	  /* it is not, and we may not change that */
};

/* key_group_mend - give a key of root's to its readers
 *
 * Takes    dir, a descriptor; name of the key's file in it, no link.
 */
enum key_group
key_group_mend(int dir, const char *name);

/* key_group_check - the same for the node in a directory, and say what was
 * done, or what to do, on standard error */
void
key_group_check(const char *node);

#endif
