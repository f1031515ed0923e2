/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tsan.h: tells thread sanitizers of an order that GLib keeps with locks they
 * cannot see. Nothing in other builds. */
#pragma once

#ifdef __SANITIZE_THREAD__
void __tsan_acquire (void *address);
void __tsan_release (void *address);
/* All that came before this RELEASE in its thread came before what follows an
 * ACQUIRE of the same address that is later. */
#define D2V_TSAN_RELEASE(address) __tsan_release (address)
#define D2V_TSAN_ACQUIRE(address) __tsan_acquire (address)
#else
#define D2V_TSAN_RELEASE(address) ((void) 0)
#define D2V_TSAN_ACQUIRE(address) ((void) 0)
#endif
