/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cache.c: the pipeline cache on disk, one file for each device and driver.
 *
 * A driver trusts its cache, so it is given nothing that this library did not
 * write: magic, size, device, driver and a sum of the contents are checked
 * before. Several processes may come together: each replaces the whole file
 * by renaming, and the last one wins. */

#include "engine/vulkan/vulkan_private.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES (64u << 20)
#define MAGIC "d2vpipe1"

typedef struct
{
  gchar magic[8];
  guint64 n_bytes; /* behind the header */
  guint8 uuid[VK_UUID_SIZE];
  guint8 digest[32]; /* SHA-256 of what is behind the header */
} Header;

static gchar *
cache_path (const D2vVkContext *context)
{
  GString *name = g_string_new ("vulkan-");

  for (guint i = 0; i < VK_UUID_SIZE; i++)
    g_string_append_printf (name, "%02x", context->found->cache_uuid[i]);
  gchar *path = g_build_filename (g_get_user_cache_dir (), "gst-data2vec",
                                  name->str, NULL);
  g_string_free (name, TRUE);
  return path;
}

static void
digest_of (gconstpointer data, gsize n_bytes, guint8 *digest)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = 32;

  g_checksum_update (sum, data, (gssize) n_bytes);
  g_checksum_get_digest (sum, digest, &length);
  g_checksum_free (sum);
}

static Header
header_for (const D2vVkContext *context, gconstpointer data, gsize n_bytes)
{
  Header header = { .n_bytes = n_bytes };

  memcpy (header.magic, MAGIC, sizeof header.magic);
  memcpy (header.uuid, context->found->cache_uuid, VK_UUID_SIZE);
  digest_of (data, n_bytes, header.digest);
  return header;
}

/* The file's contents when they are to be trusted. */
static gchar *
read_cache (const D2vVkContext *context, gsize *n_bytes)
{
  g_autofree gchar *path = cache_path (context);
  struct stat info;
  gchar *data = NULL;

  if (stat (path, &info) != 0 || !S_ISREG (info.st_mode)
      || (gsize) info.st_size < sizeof (Header) || info.st_size > MAX_BYTES
      || !g_file_get_contents (path, &data, n_bytes, NULL))
    return NULL;
  if (*n_bytes >= sizeof (Header))
    {
      Header expected = header_for (context, data + sizeof (Header),
                                    *n_bytes - sizeof (Header));
      if (memcmp (&expected, data, sizeof expected) == 0)
        return data;
    }
  g_debug ("the pipeline cache %s is not right and is not used", path);
  g_free (data);
  return NULL;
}

gboolean
vk_cache_load (D2vVkContext *context, GError **error)
{
  gsize n_bytes = 0;
  g_autofree gchar *data = read_cache (context, &n_bytes);
  VkPipelineCacheCreateInfo info
      = { VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO };

  if (data != NULL)
    {
      info.initialDataSize = n_bytes - sizeof (Header);
      info.pInitialData = data + sizeof (Header);
    }
  VkResult result = context->vk.CreatePipelineCache (context->device, &info,
                                                     NULL, &context->cache);
  if (result == VK_SUCCESS)
    return TRUE;
  context->cache = VK_NULL_HANDLE;
  return vk_fail (context, result, "vkCreatePipelineCache", error);
}

static gboolean
write_cache (const D2vVkContext *context, gconstpointer data, gsize n_bytes)
{
  g_autofree gchar *path = cache_path (context);
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autoptr (GByteArray) all = g_byte_array_new ();
  Header header = header_for (context, data, n_bytes);

  g_byte_array_append (all, (const guint8 *) &header, sizeof header);
  g_byte_array_append (all, data, (guint) n_bytes);
  return g_mkdir_with_parents (folder, 0700) == 0
         && g_file_set_contents (path, (const gchar *) all->data, all->len,
                                 NULL);
}

/* Only what this process has added to is written again. */
void
vk_cache_save (D2vVkContext *context)
{
  gsize n_bytes = 0;

  if (context->cache == VK_NULL_HANDLE || context->n_pipelines == 0
      || context->vk.GetPipelineCacheData (context->device, context->cache,
                                           &n_bytes, NULL)
             != VK_SUCCESS
      || n_bytes == 0 || n_bytes > MAX_BYTES - sizeof (Header))
    return;
  g_autofree gchar *data = g_try_malloc (n_bytes);
  if (data != NULL
      && context->vk.GetPipelineCacheData (context->device, context->cache,
                                           &n_bytes, data)
             == VK_SUCCESS
      && !write_cache (context, data, n_bytes))
    g_debug ("the pipeline cache could not be written");
}
