"""What ECS could not place is told of, with where to read on."""

import json

from tests.infra.alarmed import sections
from tests.infra.conftest import Stacks


def test_only_what_our_cluster_could_not_place_is_told_of(prod: Stacks):
    rule = prod.named("AWS::Events::Rule", "Name", "haulier-test-not-placed")
    pattern = rule["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.ecs"], ["ECS Service Action"])
    (cluster,) = pattern["detail"]["clusterArn"]
    assert cluster["Fn::Join"][1][-1] == ":cluster/haulier-test"
    assert "SERVICE_TASK_PLACEMENT_FAILURE" in pattern["detail"]["eventName"]
    # ECS tells of itself on the default bus.
    assert "EventBusName" not in rule


def test_people_are_told_in_words_that_lead_to_what_to_do(prod: Stacks):
    (target,) = prod.named("AWS::Events::Rule", "Name", "haulier-test-not-placed")["Targets"]
    assert "Alerts" in json.dumps(target["Arn"])
    assert "PlacementDlq" in json.dumps(target["DeadLetterConfig"])
    words = target["InputTransformer"]["InputTemplate"]
    assert words.endswith('docs/operations.md#placement-failed"')
    assert "placement-failed" in sections()
    # EventBridge wants one JSON value, and fills in what stands in angle brackets.
    text = json.loads(words)
    assert "<reason>" in text
    for name in target["InputTransformer"]["InputPathsMap"]:
        assert f"<{name}>" in text
