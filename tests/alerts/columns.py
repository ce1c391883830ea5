"""The columns of the workspace's tables, as Microsoft publishes them.

https://learn.microsoft.com/azure/azure-monitor/reference/tables/apptraces (…/apprequests, …/operation)
"""

from collections.abc import Mapping

_APP = {
    "TimeGenerated": "datetime",
    "Properties": "dynamic",
    "Measurements": "dynamic",
    "OperationId": "string",
    "OperationName": "string",
    "ParentId": "string",
    "AppRoleName": "string",
    "AppRoleInstance": "string",
    "AppVersion": "string",
    "ClientType": "string",
    "ClientIP": "string",
    "SDKVersion": "string",
    "ItemCount": "int",
    "ResourceGUID": "string",
    "IKey": "string",
    "Type": "string",
    "_ResourceId": "string",
    "_SubscriptionId": "string",
    "_BilledSize": "real",
    "_IsBillable": "string",
}

TABLES: Mapping[str, Mapping[str, str]] = {
    "AppTraces": _APP | {"Message": "string", "SeverityLevel": "int"},
    "AppRequests": _APP
    | {
        "Id": "string",
        "Name": "string",
        "Url": "string",
        "Source": "string",
        "Success": "bool",
        "ResultCode": "string",
        "DurationMs": "real",
        "PerformanceBucket": "string",
    },
    "Operation": {
        "TimeGenerated": "datetime",
        "OperationCategory": "string",
        "OperationStatus": "string",
        "OperationKey": "string",
        "Detail": "string",
        "Solution": "string",
        "Computer": "string",
        "CorrelationId": "string",
        "ErrorId": "string",
        "HelpLink": "string",
        "ManagementGroupName": "string",
        "Type": "string",
        "_ResourceId": "string",
        "_BilledSize": "real",
        "_IsBillable": "string",
    },
}
