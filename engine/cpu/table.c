/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <pthread.h>
#include <string.h>

/* An op with no plain kernel does not link. */
static const D2vKernel *const plain_kernels[D2V_N_OPS] = {
#define OP(NAME, name, fewest, most) [D2V_OP_##NAME] = &d2v_cpu_##name,
  D2V_OP_LIST (OP)
#undef OP
};

static const gchar *const level_names[D2V_N_CPU_LEVELS] = {
  [D2V_CPU_PLAIN] = "plain",
  [D2V_CPU_BLAS] = "blas",
  [D2V_CPU_AVX2] = "avx2",
  [D2V_CPU_AVX512] = "avx512",
};

static D2vCpuLevel
level_of_processor (void)
{
#ifdef D2V_CPU_X86
  __builtin_cpu_init ();
  if (!__builtin_cpu_supports ("avx2") || !__builtin_cpu_supports ("fma"))
    return D2V_CPU_BLAS;
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    return D2V_CPU_AVX512;
  return D2V_CPU_AVX2;
#else
  return D2V_CPU_BLAS;
#endif
}

static D2vCpuLevel
level_of_environment (void)
{
  const gchar *text = g_getenv ("D2V_CPU_LEVEL");

  if (text == NULL)
    return D2V_N_CPU_LEVELS - 1;
  for (guint i = 0; i < D2V_N_CPU_LEVELS; i++)
    if (strcmp (text, level_names[i]) == 0)
      return i;
  g_warning (
      "D2V_CPU_LEVEL: expected plain, blas, avx2 or avx512, found \"%s\"; "
      "ignored",
      text);
  return D2V_N_CPU_LEVELS - 1;
}

static D2vCpuLevel the_level;

static void
find_level (void)
{
  the_level = MIN (level_of_processor (), level_of_environment ());
}

D2vCpuLevel
d2v_cpu_level (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, find_level);
  return the_level;
}

const gchar *
d2v_cpu_level_name (D2vCpuLevel level)
{
  return level_names[level];
}

const D2vKernel *
d2v_cpu_kernel (D2vOp op, D2vCpuLevel level)
{
#ifdef D2V_CPU_X86
  if (level >= D2V_CPU_AVX512 && d2v_avx512_kernels[op] != NULL)
    return d2v_avx512_kernels[op];
  if (level >= D2V_CPU_AVX2 && d2v_avx2_kernels[op] != NULL)
    return d2v_avx2_kernels[op];
#endif
  if (level >= D2V_CPU_BLAS && d2v_blas_kernels[op] != NULL)
    return d2v_blas_kernels[op];
  return plain_kernels[op];
}
