/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gemm_bench [--threads N] [--rounds N] [--peak] [linear|conv]
 *
 * The products of our models on this machine: GFLOP/s of our kernels at every
 * level, of OpenBLAS under our threads and, where it was found, of oneDNN,
 * taken in turns, the best of all rounds. The processor's peak is measured
 * before and after; when the two differ much, measure again. --peak prints
 * just that. */

#include "engine/base/alloc.h"
#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "tools/bench/peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_ONEDNN
#include "tools/bench/onednn.h"
#else
typedef struct _D2vOneDnn D2vOneDnn;
#endif

extern const char *openblas_get_corename (void);

/* A matrix product (m, k) (k, n), or the layer of the audio front end that
 * makes it. */
typedef struct
{
  const gchar *name;
  gsize m, n, k;
  gsize kernel, stride; /* 0 for LINEAR */
} Product;

static const Product products[] = {
  { "text 32, q k v", 32, 2304, 768 },
  { "text 32, out", 32, 768, 768 },
  { "text 32, expand", 32, 3072, 768 },
  { "text 32, contract", 32, 768, 3072 },
  { "text 128, expand", 128, 3072, 768 },
  { "text 128, contract", 128, 768, 3072 },
  { "image 224, expand", 197, 3072, 768 },
  { "image 224, contract", 197, 768, 3072 },
  { "audio 10 s, q k v", 499, 2304, 768 },
  { "audio 10 s, out", 499, 768, 768 },
  { "audio 10 s, expand", 499, 3072, 768 },
  { "audio 10 s, contract", 499, 768, 3072 },
  { "image 224 x 8, expand", 1576, 3072, 768 },
  { "image 224 x 8, contract", 1576, 768, 3072 },
  { "audio 1.5 s, conv 1", 2399, 512, 1536, 3, 2 },
  { "audio 1.5 s, conv 6", 74, 512, 1024, 2, 2 },
  { "audio 10 s, conv 0", 31999, 512, 10, 10, 5 },
  { "audio 10 s, conv 1", 15999, 512, 1536, 3, 2 },
  { "audio 10 s, conv 2", 7999, 512, 1536, 3, 2 },
  { "audio 10 s, conv 5", 999, 512, 1024, 2, 2 },
};

/* One kernel with everything it needs to run the product. */
typedef struct
{
  const D2vKernel *kernel;
  D2vNode node;
  D2vShape shape[3]; /* x, w, bias */
  D2vCall call;
  gpointer packed;
} Contestant;

typedef struct
{
  gfloat *x, *w, *bias, *y;
} Numbers;

/* Times that a contestant runs when it is its turn: the first wakes the
 * threads, as the op before would in a model. */
#define IN_A_ROW 3

static gfloat *
random_floats (gsize n)
{
  gfloat *numbers = d2v_malloc_n (n, sizeof (gfloat));

  if (numbers == NULL)
    g_error ("no memory for %" G_GSIZE_FORMAT " numbers", n);
  for (gsize i = 0; i < n; i++)
    numbers[i] = (gfloat) g_random_double_range (-1, 1);
  return numbers;
}

static void
describe (Contestant *c, const Product *p, D2vCpuLevel level,
          const Numbers *numbers)
{
  gboolean conv = p->kernel > 0;
  gsize channels = conv ? p->k / p->kernel : 0;
  gsize n_steps = conv ? (p->m - 1) * p->stride + p->kernel : 0;

  c->kernel = d2v_cpu_kernel (conv ? D2V_OP_CONV1D : D2V_OP_LINEAR, level);
  c->shape[0]
      = conv ? d2v_shape (1, n_steps, channels) : d2v_shape (p->m, p->k);
  c->shape[1]
      = conv ? d2v_shape (p->n, channels, p->kernel) : d2v_shape (p->n, p->k);
  c->shape[2] = d2v_shape (p->n);
  c->node = (D2vNode){ .op = conv ? D2V_OP_CONV1D : D2V_OP_LINEAR,
                       .n_inputs = 3,
                       .shape = conv ? d2v_shape (1, p->m, p->n)
                                     : d2v_shape (p->m, p->n) };
  c->node.attributes.stride = p->stride;
  c->node.attributes.dilation = c->node.attributes.groups = 1;
  c->node.attributes.n_out = p->m;
  c->call.node = &c->node;
  c->call.in[0] = numbers->x;
  c->call.in[1] = numbers->w;
  c->call.in[2] = numbers->bias;
  for (guint i = 0; i < 3; i++)
    c->call.in_shape[i] = &c->shape[i];
  c->call.out = numbers->y;
}

static void
prepare (Contestant *c, guint n_threads)
{
  const D2vKernel *kernel = c->kernel;

  if (kernel->packed_bytes != NULL)
    {
      c->packed = d2v_malloc (kernel->packed_bytes (&c->call, 1));
      g_assert (c->packed != NULL);
      kernel->pack (&c->call, 1, (gfloat *) c->call.in[1], c->packed, FALSE);
      c->call.in[1] = c->packed;
    }
  if (kernel->scratch_bytes != NULL)
    {
      c->call.scratch_bytes = d2v_align (kernel->scratch_bytes (&c->call), 64);
      c->call.scratch = d2v_malloc_n (c->call.scratch_bytes, n_threads);
      g_assert (c->call.scratch != NULL);
    }
}

static void
run_piece (gpointer data, gsize begin, gsize end, guint thread)
{
  Contestant *c = data;

  c->kernel->run (&c->call, begin, end, thread);
}

static gdouble
time_kernel (Contestant *c, D2vPool *pool)
{
  guint n_threads = d2v_pool_n_threads (pool);
  const D2vKernel *kernel = c->kernel;
  gdouble best = G_MAXDOUBLE;

  for (guint i = 0; i < IN_A_ROW; i++)
    {
      gdouble began = d2v_bench_now ();
      d2v_pool_run (pool, kernel->n_items (&c->call),
                    kernel->grain != NULL ? kernel->grain (&c->call, n_threads)
                                          : 0,
                    run_piece, c);
      best = MIN (best, d2v_bench_now () - began);
    }
  return best;
}

static D2vOneDnn *
new_onednn (const Product *p, const Numbers *numbers)
{
#ifdef HAVE_ONEDNN
  if (p->kernel == 0)
    return d2v_onednn_new (p->m, p->n, p->k, numbers->w, numbers->bias);
#endif
  return NULL;
}

static gdouble
time_onednn (D2vOneDnn *dnn, const Numbers *numbers)
{
  gdouble best = G_MAXDOUBLE;

#ifdef HAVE_ONEDNN
  for (guint i = 0; i < IN_A_ROW; i++)
    {
      gdouble began = d2v_bench_now ();
      d2v_onednn_run (dnn, numbers->x, numbers->y);
      best = MIN (best, d2v_bench_now () - began);
    }
#endif
  return best;
}

static void
print_rate (gdouble flop, gdouble seconds, gdouble peak)
{
  if (seconds == G_MAXDOUBLE)
    printf (" %12s", "-");
  else
    printf (" %6.1f (%2.0f%%)", flop / seconds / 1e9,
            100 * flop / seconds / 1e9 / peak);
}

/* Column of oneDNN behind those of our levels. */
#define ONEDNN D2V_N_CPU_LEVELS

static void
take_turns (Contestant *kernels, D2vOneDnn *dnn, const Numbers *numbers,
            D2vPool *pool, guint rounds, gdouble *best)
{
  for (guint i = 0; i < rounds; i++)
    {
      for (guint level = D2V_CPU_BLAS; level <= d2v_cpu_level (); level++)
        best[level] = MIN (best[level], time_kernel (&kernels[level], pool));
      if (dnn != NULL)
        best[ONEDNN] = MIN (best[ONEDNN], time_onednn (dnn, numbers));
    }
}

static void
bench_product (const Product *p, D2vPool *pool, guint rounds, gdouble peak)
{
  gdouble flop = 2.0 * (gdouble) p->m * (gdouble) p->n * (gdouble) p->k;
  gsize n_steps = (p->m - 1) * p->stride + p->kernel;
  gsize x_size = p->kernel > 0 ? n_steps * (p->k / p->kernel) : p->m * p->k;
  Numbers numbers = { random_floats (x_size), random_floats (p->n * p->k),
                      random_floats (p->n), random_floats (p->m * p->n) };
  Contestant kernels[D2V_N_CPU_LEVELS] = { 0 };
  D2vOneDnn *dnn = new_onednn (p, &numbers);
  gdouble best[D2V_N_CPU_LEVELS + 1];

  for (guint i = 0; i < G_N_ELEMENTS (best); i++)
    best[i] = G_MAXDOUBLE;
  for (guint level = D2V_CPU_BLAS; level <= d2v_cpu_level (); level++)
    {
      describe (&kernels[level], p, level, &numbers);
      prepare (&kernels[level], d2v_pool_n_threads (pool));
    }
  take_turns (kernels, dnn, &numbers, pool, rounds, best);

  printf ("%-24s %6" G_GSIZE_FORMAT " x %4" G_GSIZE_FORMAT
          " x %4" G_GSIZE_FORMAT,
          p->name, p->m, p->n, p->k);
  for (guint i = D2V_CPU_BLAS; i < G_N_ELEMENTS (best); i++)
    print_rate (flop, best[i], peak);
  printf ("\n");
  fflush (stdout);

  for (guint level = 0; level < D2V_N_CPU_LEVELS; level++)
    {
      d2v_free (kernels[level].packed);
      d2v_free (kernels[level].call.scratch);
    }
#ifdef HAVE_ONEDNN
  d2v_onednn_free (dnn);
#endif
  d2v_free (numbers.x);
  d2v_free (numbers.w);
  d2v_free (numbers.bias);
  d2v_free (numbers.y);
}

/* Starts this program again without the variables that choose OpenBLAS's
 * kernels, and with as many threads for oneDNN as for the others. */
static void
clean_environment (gchar **argv, guint n_threads)
{
  g_autofree gchar *text = g_strdup_printf ("%u", n_threads);

  if (g_getenv ("OPENBLAS_CORETYPE") == NULL
      && g_getenv ("OPENBLAS_L2_SIZE") == NULL
      && g_strcmp0 (g_getenv ("OMP_NUM_THREADS"), text) == 0)
    return;
  g_unsetenv ("OPENBLAS_CORETYPE");
  g_unsetenv ("OPENBLAS_L2_SIZE");
  g_setenv ("OMP_NUM_THREADS", text, TRUE);
  execv ("/proc/self/exe", argv);
  fprintf (stderr, "the environment chooses OpenBLAS's kernels\n");
}

gint
main (gint argc, gchar **argv)
{
  gint n_threads = (gint) g_get_num_processors (), rounds = 20;
  gboolean only_peak = FALSE;
  const GOptionEntry entries[]
      = { { "threads", 0, 0, G_OPTION_ARG_INT, &n_threads, "threads", "N" },
          { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "rounds", "N" },
          { "peak", 0, 0, G_OPTION_ARG_NONE, &only_peak, "the peak alone", 0 },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("[linear|conv]");
  g_autoptr (GError) error = NULL;
  gchar **all = g_strdupv (argv);

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || n_threads < 1
      || n_threads > 256 || rounds < 1)
    {
      fprintf (stderr, "%s\n",
               error != NULL ? error->message : "numbers out of range");
      return 1;
    }
  clean_environment (all, (guint) n_threads);
  g_strfreev (all);

  D2vPool *pool = d2v_pool_new ((guint) n_threads);
  gdouble before = d2v_bench_peak (pool);

  printf ("peak %.1f GFLOP/s, %u threads", before, d2v_pool_n_threads (pool));
  if (only_peak)
    {
      printf ("\n");
      d2v_pool_free (pool);
      return 0;
    }
  printf ("; OpenBLAS runs its %s kernels\n%-24s %20s",
          openblas_get_corename (), "GFLOP/s (of the peak)", "m x n x k");
  for (guint level = D2V_CPU_BLAS; level < D2V_N_CPU_LEVELS; level++)
    printf (" %12s", d2v_cpu_level_name (level));
  printf (" %12s\n", "oneDNN");
  for (guint i = 0; i < G_N_ELEMENTS (products); i++)
    if (argc < 2 || (products[i].kernel > 0) == (argv[1][0] == 'c'))
      bench_product (&products[i], pool, (guint) rounds, before);
  printf ("peak %.1f GFLOP/s after\n", d2v_bench_peak (pool));
  d2v_pool_free (pool);
  return 0;
}
