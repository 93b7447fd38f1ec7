/* private.h - nobody reads what is in our memory: keys, and mail of others
 *
 * Source  prctl(2), PR_SET_DUMPABLE; core(5); ptrace(2)
 * Test    tests/walls.t
 */
#ifndef QUAIL_LIB_PRIVATE_H
#define QUAIL_LIB_PRIVATE_H

/* private_memory - no core file of this process, and no look into it for
 * others of its user: by ptrace, /proc or process_vm_readv
 *
 * Before the first key and the first foreign byte. Another program that is
 * started has to call it for itself.
 */
void
private_memory(void);

#endif
