/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fault.c: faults on demand, so that every row of the fault table is a
 * command.
 *
 *   D2V_FAULT="vkQueueSubmit:37=DEVICE_LOST;vkWaitForFences:*=TIMEOUT"
 *
 * The 37th call of vkQueueSubmit returns VK_ERROR_DEVICE_LOST without being
 * made, and every wait times out. `N+` means the Nth call and all after it;
 * SKIP, for functions without a result, leaves the call out. Without the
 * variable no call takes a way round. */

#include "engine/vulkan/table.h"

#include <pthread.h>
#include <string.h>

#define MAX_RULES 16

typedef struct
{
  gchar *function; /* without "vk" */
  guint first, last;
  VkResult result;
  gboolean skip;
} Rule;

typedef struct
{
  const gchar *function;
  guint n_calls;
} Count;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gboolean parsed;
static Rule rules[MAX_RULES];
static guint n_rules;
static Count counts[64];
static D2vVkTable real; /* what the wrappers call */

/* ---------------------------------------------------------------- rules -- */

static const struct
{
  const gchar *name;
  VkResult result;
} results[] = {
  { "DEVICE_LOST", VK_ERROR_DEVICE_LOST },
  { "OUT_OF_DEVICE_MEMORY", VK_ERROR_OUT_OF_DEVICE_MEMORY },
  { "OUT_OF_HOST_MEMORY", VK_ERROR_OUT_OF_HOST_MEMORY },
  { "TIMEOUT", VK_TIMEOUT },
  { "NOT_READY", VK_NOT_READY },
  { "INITIALIZATION_FAILED", VK_ERROR_INITIALIZATION_FAILED },
};

static gboolean
parse_result (Rule *rule, const gchar *text)
{
  rule->skip = strcmp (text, "SKIP") == 0;
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    if (strcmp (text, results[i].name) == 0)
      {
        rule->result = results[i].result;
        return TRUE;
      }
  return rule->skip;
}

/* "vkName:N=RESULT" */
static gboolean
parse_rule (Rule *rule, const gchar *text)
{
  const gchar *colon = strchr (text, ':');
  const gchar *equals = colon != NULL ? strchr (colon, '=') : NULL;
  gchar *end = NULL;

  if (equals == NULL || !g_str_has_prefix (text, "vk")
      || !parse_result (rule, equals + 1))
    return FALSE;
  rule->first = 1;
  rule->last = G_MAXUINT;
  if (colon[1] != '*')
    {
      rule->first = (guint) g_ascii_strtoull (colon + 1, &end, 10);
      if (rule->first == 0)
        return FALSE;
      if (*end != '+')
        rule->last = rule->first;
    }
  rule->function = g_strndup (text + 2, (gsize) (colon - text - 2));
  return TRUE;
}

/* Called with the lock held. */
static void
parse (void)
{
  const gchar *text = g_getenv ("D2V_FAULT");

  parsed = TRUE;
  if (text == NULL || text[0] == '\0')
    return;
  g_auto (GStrv) parts = g_strsplit (text, ";", MAX_RULES);
  for (guint i = 0; parts[i] != NULL; i++)
    if (n_rules < MAX_RULES && parse_rule (&rules[n_rules], parts[i]))
      n_rules++;
    else
      g_warning ("D2V_FAULT: expected vkFunction:N=RESULT, found %s", parts[i]);
}

void
vk_fault_reset (void)
{
  pthread_mutex_lock (&lock);
  for (guint i = 0; i < n_rules; i++)
    g_free (rules[i].function);
  memset (rules, 0, sizeof rules);
  memset (counts, 0, sizeof counts);
  n_rules = 0;
  parsed = FALSE;
  pthread_mutex_unlock (&lock);
}

/* Called with the lock held. */
static Count *
count_of (const gchar *function)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (counts) - 1 && counts[i].function != NULL
         && strcmp (counts[i].function, function) != 0)
    i++;
  if (counts[i].function == NULL)
    counts[i].function = function;
  return &counts[i];
}

guint
vk_fault_n_calls (const gchar *function)
{
  guint n = 0;

  pthread_mutex_lock (&lock);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    if (counts[i].function != NULL
        && strcmp (counts[i].function, function) == 0)
      n = counts[i].n_calls;
  pthread_mutex_unlock (&lock);
  return n;
}

/* Counts a call; the rule that catches it, or NULL. */
static const Rule *
caught (const gchar *function)
{
  const Rule *rule = NULL;

  pthread_mutex_lock (&lock);
  if (!parsed)
    parse ();
  guint n = ++count_of (function)->n_calls;
  for (guint i = 0; i < n_rules && rule == NULL; i++)
    if (strcmp (rules[i].function, function) == 0 && n >= rules[i].first
        && n <= rules[i].last)
      rule = &rules[i];
  pthread_mutex_unlock (&lock);
  return rule;
}

/* -------------------------------------------------------------- wrappers -- */

#define CALLS(name, parameters, arguments)                                     \
  static VKAPI_ATTR VkResult VKAPI_CALL fault_##name parameters                \
  {                                                                            \
    const Rule *rule = caught (#name);                                         \
    return rule != NULL ? rule->result : real.name arguments;                  \
  }

#define RECORDS(name, parameters, arguments)                                   \
  static VKAPI_ATTR void VKAPI_CALL fault_##name parameters                    \
  {                                                                            \
    if (caught (#name) == NULL)                                                \
      real.name arguments;                                                     \
  }

/* Every function that returns a result, and the recording ones. */
#define FAULT_LIST(CALLS, RECORDS)                                             \
  CALLS (CreateInstance,                                                       \
         (const VkInstanceCreateInfo *a, const VkAllocationCallbacks *b,       \
          VkInstance *c),                                                      \
         (a, b, c))                                                            \
  CALLS (EnumeratePhysicalDevices,                                             \
         (VkInstance a, uint32_t * b, VkPhysicalDevice * c), (a, b, c))        \
  CALLS (CreateDevice,                                                         \
         (VkPhysicalDevice a, const VkDeviceCreateInfo *b,                     \
          const VkAllocationCallbacks *c, VkDevice *d),                        \
         (a, b, c, d))                                                         \
  CALLS (QueueSubmit,                                                          \
         (VkQueue a, uint32_t b, const VkSubmitInfo *c, VkFence d),            \
         (a, b, c, d))                                                         \
  CALLS (CreateFence,                                                          \
         (VkDevice a, const VkFenceCreateInfo *b,                              \
          const VkAllocationCallbacks *c, VkFence *d),                         \
         (a, b, c, d))                                                         \
  CALLS (ResetFences, (VkDevice a, uint32_t b, const VkFence *c), (a, b, c))   \
  CALLS (WaitForFences,                                                        \
         (VkDevice a, uint32_t b, const VkFence *c, VkBool32 d, uint64_t e),   \
         (a, b, c, d, e))                                                      \
  CALLS (GetFenceStatus, (VkDevice a, VkFence b), (a, b))                      \
  CALLS (AllocateMemory,                                                       \
         (VkDevice a, const VkMemoryAllocateInfo *b,                           \
          const VkAllocationCallbacks *c, VkDeviceMemory *d),                  \
         (a, b, c, d))                                                         \
  CALLS (MapMemory,                                                            \
         (VkDevice a, VkDeviceMemory b, VkDeviceSize c, VkDeviceSize d,        \
          VkMemoryMapFlags e, void **f),                                       \
         (a, b, c, d, e, f))                                                   \
  CALLS (CreateBuffer,                                                         \
         (VkDevice a, const VkBufferCreateInfo *b,                             \
          const VkAllocationCallbacks *c, VkBuffer *d),                        \
         (a, b, c, d))                                                         \
  CALLS (BindBufferMemory,                                                     \
         (VkDevice a, VkBuffer b, VkDeviceMemory c, VkDeviceSize d),           \
         (a, b, c, d))                                                         \
  CALLS (CreateShaderModule,                                                   \
         (VkDevice a, const VkShaderModuleCreateInfo *b,                       \
          const VkAllocationCallbacks *c, VkShaderModule *d),                  \
         (a, b, c, d))                                                         \
  CALLS (CreatePipelineLayout,                                                 \
         (VkDevice a, const VkPipelineLayoutCreateInfo *b,                     \
          const VkAllocationCallbacks *c, VkPipelineLayout *d),                \
         (a, b, c, d))                                                         \
  CALLS (CreatePipelineCache,                                                  \
         (VkDevice a, const VkPipelineCacheCreateInfo *b,                      \
          const VkAllocationCallbacks *c, VkPipelineCache *d),                 \
         (a, b, c, d))                                                         \
  CALLS (GetPipelineCacheData,                                                 \
         (VkDevice a, VkPipelineCache b, size_t * c, void *d), (a, b, c, d))   \
  CALLS (CreateComputePipelines,                                               \
         (VkDevice a, VkPipelineCache b, uint32_t c,                           \
          const VkComputePipelineCreateInfo *d,                                \
          const VkAllocationCallbacks *e, VkPipeline *f),                      \
         (a, b, c, d, e, f))                                                   \
  CALLS (CreateCommandPool,                                                    \
         (VkDevice a, const VkCommandPoolCreateInfo *b,                        \
          const VkAllocationCallbacks *c, VkCommandPool *d),                   \
         (a, b, c, d))                                                         \
  CALLS (                                                                      \
      AllocateCommandBuffers,                                                  \
      (VkDevice a, const VkCommandBufferAllocateInfo *b, VkCommandBuffer *c),  \
      (a, b, c))                                                               \
  CALLS (BeginCommandBuffer,                                                   \
         (VkCommandBuffer a, const VkCommandBufferBeginInfo *b), (a, b))       \
  CALLS (EndCommandBuffer, (VkCommandBuffer a), (a))                           \
  RECORDS (DestroyBuffer,                                                      \
           (VkDevice a, VkBuffer b, const VkAllocationCallbacks *c),           \
           (a, b, c))                                                          \
  RECORDS (CmdPipelineBarrier,                                                 \
           (VkCommandBuffer a, VkPipelineStageFlags b, VkPipelineStageFlags c, \
            VkDependencyFlags d, uint32_t e, const VkMemoryBarrier *f,         \
            uint32_t g, const VkBufferMemoryBarrier *h, uint32_t i,            \
            const VkImageMemoryBarrier *j),                                    \
           (a, b, c, d, e, f, g, h, i, j))                                     \
  RECORDS (CmdDispatch,                                                        \
           (VkCommandBuffer a, uint32_t b, uint32_t c, uint32_t d),            \
           (a, b, c, d))                                                       \
  RECORDS (CmdCopyBuffer,                                                      \
           (VkCommandBuffer a, VkBuffer b, VkBuffer c, uint32_t d,             \
            const VkBufferCopy *e),                                            \
           (a, b, c, d, e))

FAULT_LIST (CALLS, RECORDS)

#undef CALLS
#undef RECORDS

/* Devices of one driver share their functions, so one table of real ones
 * serves them all while faults are asked for. */
void
vk_fault_install (D2vVkTable *table)
{
  if (g_getenv ("D2V_FAULT") == NULL)
    return;
#define INSTALL(name, parameters, arguments)                                   \
  if (table->name != NULL && table->name != fault_##name)                      \
    {                                                                          \
      real.name = table->name;                                                 \
      table->name = fault_##name;                                              \
    }
  FAULT_LIST (INSTALL, INSTALL)
#undef INSTALL
}
