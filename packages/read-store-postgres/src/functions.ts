/**
 * The writes, as functions of the database: each is one statement, and so a transaction that never waits for this process.
 * One that is paused in the middle of a commit holds no lock, and cannot keep another from taking over.
 *
 * Locks are taken in one order: the projection's row, then the build's.
 */

/**
 * Takes a build. The looks before the locks keep those who wait for their turn, and ask again and again, out of the way of
 * the one who works.
 */
export const claimFunction = (schema: string): string => `
CREATE FUNCTION ${schema}.claim_build(p_name text, p_version integer, p_owner text, p_lease_ms double precision)
RETURNS TABLE (o_kind text, o_live_version integer, o_owner text, o_token bigint, o_position bigint, o_recorded_until_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_live integer;
  v_build ${schema}.builds%ROWTYPE;
BEGIN
  SELECT p.live_version INTO v_live FROM ${schema}.projections p WHERE p.name = p_name;
  IF v_live > p_version THEN
    RETURN QUERY SELECT 'superseded', v_live, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint;
    RETURN;
  END IF;
  SELECT b.* INTO v_build FROM ${schema}.builds b WHERE b.name = p_name AND b.version = p_version;
  IF v_build.owner <> p_owner AND v_build.lease_until > clock_timestamp() THEN
    RETURN QUERY SELECT 'held', v_live, v_build.owner, NULL::bigint, NULL::bigint, NULL::bigint;
    RETURN;
  END IF;

  INSERT INTO ${schema}.projections (name, live_version) VALUES (p_name, p_version) ON CONFLICT DO NOTHING;
  SELECT p.live_version INTO v_live FROM ${schema}.projections p WHERE p.name = p_name FOR SHARE;
  IF v_live > p_version THEN
    RETURN QUERY SELECT 'superseded', v_live, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint;
    RETURN;
  END IF;
  INSERT INTO ${schema}.builds (name, version) VALUES (p_name, p_version) ON CONFLICT DO NOTHING;
  SELECT b.* INTO v_build FROM ${schema}.builds b WHERE b.name = p_name AND b.version = p_version FOR UPDATE;
  IF v_build.owner <> p_owner AND v_build.lease_until > clock_timestamp() THEN
    RETURN QUERY SELECT 'held', v_live, v_build.owner, NULL::bigint, NULL::bigint, NULL::bigint;
    RETURN;
  END IF;
  UPDATE ${schema}.builds b
    SET owner = p_owner, token = b.token + 1, lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000)
    WHERE b.build_id = v_build.build_id;
  RETURN QUERY SELECT 'claimed', v_live, p_owner, v_build.token + 1, v_build.position, v_build.recorded_until_ms;
END $$;`

/**
 * Writes a batch. p_ids, p_tenants and p_texts go together; a text that is null removes the document.
 *
 * A commit that may make its build the live one locks the projection's row for itself, all others share it: so the
 * checkpoint of the live build stands still while it is compared.
 */
export const commitFunction = (schema: string): string => `
CREATE FUNCTION ${schema}.commit_batch(
  p_name text, p_version integer, p_token bigint, p_lease_ms double precision,
  p_tenants text[], p_ids text[], p_texts text[],
  p_position bigint, p_recorded_until_ms bigint, p_snapshot boolean, p_caught_up boolean)
RETURNS TABLE (o_kind text, o_live_version integer)
LANGUAGE plpgsql AS $$
DECLARE
  v_live integer;
  v_live_position bigint;
  v_build ${schema}.builds%ROWTYPE;
BEGIN
  SELECT p.live_version INTO v_live FROM ${schema}.projections p WHERE p.name = p_name;
  IF p_caught_up AND v_live < p_version THEN
    SELECT p.live_version INTO v_live FROM ${schema}.projections p WHERE p.name = p_name FOR UPDATE;
  ELSE
    SELECT p.live_version INTO v_live FROM ${schema}.projections p WHERE p.name = p_name FOR SHARE;
  END IF;
  IF v_live > p_version THEN
    RETURN QUERY SELECT 'superseded', v_live;
    RETURN;
  END IF;
  SELECT b.* INTO v_build FROM ${schema}.builds b WHERE b.name = p_name AND b.version = p_version FOR UPDATE;
  IF v_build.token IS DISTINCT FROM p_token THEN
    RETURN QUERY SELECT 'fenced', v_live;
    RETURN;
  END IF;

  IF cardinality(p_ids) > 0 THEN
    IF v_build.newest_snapshot IS NOT NULL THEN
      INSERT INTO ${schema}.older_documents (build_id, tenant, id, since, json)
        SELECT d.build_id, d.tenant, d.id, d.since, d.json
        FROM unnest(p_tenants, p_ids) AS c (tenant, id)
        JOIN ${schema}.documents d ON d.build_id = v_build.build_id AND d.tenant = c.tenant AND d.id = c.id
        WHERE d.since <= v_build.newest_snapshot
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO ${schema}.documents AS d (build_id, tenant, id, since, json)
      SELECT v_build.build_id, c.tenant, c.id, p_position, c.json
      FROM unnest(p_tenants, p_ids, p_texts) AS c (tenant, id, json)
      WHERE c.json IS NOT NULL
      ON CONFLICT (build_id, tenant, id) DO UPDATE SET since = excluded.since, json = excluded.json;
    IF array_position(p_texts, NULL) IS NOT NULL THEN
      UPDATE ${schema}.documents d SET since = p_position, json = NULL
        FROM unnest(p_tenants, p_ids, p_texts) AS c (tenant, id, json)
        WHERE c.json IS NULL AND d.build_id = v_build.build_id AND d.tenant = c.tenant AND d.id = c.id;
      -- Where nothing older is kept, no mark is needed either.
      DELETE FROM ${schema}.documents d
        USING unnest(p_tenants, p_ids, p_texts) AS c (tenant, id, json)
        WHERE c.json IS NULL AND d.build_id = v_build.build_id AND d.tenant = c.tenant AND d.id = c.id
          AND NOT EXISTS (
            SELECT FROM ${schema}.older_documents o
            WHERE o.build_id = d.build_id AND o.tenant = d.tenant AND o.id = d.id);
    END IF;
  END IF;

  IF p_snapshot THEN
    INSERT INTO ${schema}.snapshots (build_id, position, recorded_until_ms)
      VALUES (v_build.build_id, p_position, p_recorded_until_ms) ON CONFLICT DO NOTHING;
  END IF;
  UPDATE ${schema}.builds b SET
      position = p_position,
      recorded_until_ms = p_recorded_until_ms,
      newest_snapshot = CASE WHEN p_snapshot THEN p_position ELSE b.newest_snapshot END,
      lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000),
      failure_position = NULL, failure_event_id = NULL, failure_message = NULL, failed_at_ms = NULL
    WHERE b.build_id = v_build.build_id;

  IF p_caught_up AND v_live < p_version THEN
    SELECT b.position INTO v_live_position FROM ${schema}.builds b WHERE b.name = p_name AND b.version = v_live;
    IF v_live_position <= p_position THEN
      UPDATE ${schema}.projections p SET live_version = p_version WHERE p.name = p_name;
      v_live := p_version;
    END IF;
  END IF;
  RETURN QUERY SELECT 'committed', v_live;
END $$;`

/** Deletes rows of builds that are older than the live one. True when its p_limit was used up before all were gone. */
export const pruneFunction = (schema: string): string => `
CREATE FUNCTION ${schema}.prune_builds(p_name text, p_limit integer) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  v_build_id bigint;
  v_left bigint := p_limit;
  v_count bigint;
BEGIN
  -- First of all they are taken out of sight: half of a build is none.
  UPDATE ${schema}.builds b SET discarded = true
    FROM ${schema}.projections p
    WHERE p.name = p_name AND b.name = p_name AND b.version < p.live_version AND NOT b.discarded;
  FOR v_build_id IN SELECT b.build_id FROM ${schema}.builds b WHERE b.name = p_name AND b.discarded ORDER BY b.version LOOP
    DELETE FROM ${schema}.older_documents WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${schema}.older_documents WHERE build_id = v_build_id LIMIT v_left));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_left := v_left - v_count;
    DELETE FROM ${schema}.documents WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${schema}.documents WHERE build_id = v_build_id LIMIT v_left));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_left := v_left - v_count;
    DELETE FROM ${schema}.snapshots WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${schema}.snapshots WHERE build_id = v_build_id LIMIT v_left));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_left := v_left - v_count;
    IF v_left <= 0 THEN
      RETURN true;
    END IF;
    DELETE FROM ${schema}.builds b WHERE b.build_id = v_build_id;
  END LOOP;
  RETURN false;
END $$;`
