"""What stands before the API on AWS: a load balancer, with HTTPS where there is a certificate."""

from stack.aws.cloudformation import NO_VALUE, Resource, is_set
from stack.aws.container_settings import API_PORT

LISTENER = "ApiListener"
"""How the template names what leads to the API."""

_HTTP, _HTTPS = 80, 443

IDLE_SECONDS = 60
"""So long may nothing come on a connection: longer than the API takes to answer, and less than it keeps it."""

LOAD_BALANCER_PARAMETERS: Resource = {
    "CertificateArn": {
        "Type": "String",
        "Default": "",
        "Description": "The certificate of the load balancer, from ACM; empty: it speaks HTTP, without encryption.",
    },
}
LOAD_BALANCER_CONDITIONS: Resource = {"HasCertificate": is_set("CertificateArn")}


def load_balancer_resources() -> dict[str, Resource]:
    """Return the load balancer, its listeners and its target group, and the security groups on both sides of it."""
    return {
        "LoadBalancerSecurityGroup": _security_group(
            "The load balancer, from anywhere", [_from_anywhere(_HTTP), _with_certificate(_from_anywhere(_HTTPS))]
        ),
        "ApiSecurityGroup": _security_group("The API, from its load balancer alone", [_from_load_balancer()]),
        "LoadBalancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Type": "application",
                "Scheme": "internet-facing",
                "Subnets": {"Ref": "SubnetIds"},
                "SecurityGroups": [{"Ref": "LoadBalancerSecurityGroup"}],
                "LoadBalancerAttributes": [
                    {"Key": "idle_timeout.timeout_seconds", "Value": str(IDLE_SECONDS)},
                    {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
                ],
            },
        },
        "ApiTargetGroup": _target_group(),
        LISTENER: {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "LoadBalancer"},
                "Port": _with_certificate(_HTTPS, _HTTP),
                "Protocol": _with_certificate("HTTPS", "HTTP"),
                "SslPolicy": _with_certificate("ELBSecurityPolicy-TLS13-1-2-2021-06"),
                "Certificates": _with_certificate([{"CertificateArn": {"Ref": "CertificateArn"}}]),
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "ApiTargetGroup"}}],
            },
        },
        "RedirectListener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Condition": "HasCertificate",
            # Where the certificate came later, its port is the API's until that has moved.
            "DependsOn": LISTENER,
            "Properties": {
                "LoadBalancerArn": {"Ref": "LoadBalancer"},
                "Port": _HTTP,
                "Protocol": "HTTP",
                "DefaultActions": [
                    {
                        "Type": "redirect",
                        "RedirectConfig": {"Protocol": "HTTPS", "Port": str(_HTTPS), "StatusCode": "HTTP_301"},
                    }
                ],
            },
        },
    }


def api_url() -> Resource:
    """Return where the API is."""
    scheme = [{"Fn::Sub": f"{scheme}://${{LoadBalancer.DNSName}}"} for scheme in ("https", "http")]
    return {"Fn::If": ["HasCertificate", *scheme]}


def closed_security_group(description: str) -> Resource:
    """Return a security group that lets nothing in."""
    return _security_group(description, [])


def _target_group() -> Resource:
    return {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "VpcId": {"Ref": "VpcId"},
            "TargetType": "ip",
            "Port": API_PORT,
            "Protocol": "HTTP",
            # Whether it lives: one whose queues do not answer is the best there is, as the others have the same.
            "HealthCheckPath": "/healthcheck",
            "HealthCheckIntervalSeconds": 15,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
            # What is accepted is answered within seconds; the task is stopped when this is over.
            "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}],
        },
    }


def _security_group(description: str, ingress: list[Resource]) -> Resource:
    properties: Resource = {"GroupDescription": description, "VpcId": {"Ref": "VpcId"}}
    if ingress:
        properties["SecurityGroupIngress"] = ingress
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}


def _from_anywhere(port: int) -> Resource:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"}


def _from_load_balancer() -> Resource:
    group = {"Fn::GetAtt": ["LoadBalancerSecurityGroup", "GroupId"]}
    return {"IpProtocol": "tcp", "FromPort": API_PORT, "ToPort": API_PORT, "SourceSecurityGroupId": group}


def _with_certificate(value: object, otherwise: object = NO_VALUE) -> Resource:
    return {"Fn::If": ["HasCertificate", value, otherwise]}
